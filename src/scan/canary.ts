/**
 * Finds out whether a clamd can be believed: a harmless file that must be found (EICAR), one that must
 * not be, and no answer before it was asked.
 */
import type { CancelSignal } from '../cancel-signal.ts';
import { OperationalError } from '../errors.ts';
import { classify } from '../protocol/clamd/signature.ts';
import type { ClamdAddress } from './clamd-address.ts';
import { dial, type Dialling, FullBacklog } from './clamd-socket.ts';
import { scanStream, type StreamAnswer, type StreamSettings } from './clamd-stream.ts';
import { eicarTestFile } from './eicar.ts';
import type { Evidence } from './endpoint-state.ts';
import { type Block, type Blocks, oneBlock } from './stream-blocks.ts';

export type CanarySettings = Omit<StreamSettings, 'released'> & Dialling;

/** What it must find; whatever it calls it. */
export const foundCanary = Buffer.from(eicarTestFile, 'latin1');
/** What it must not. */
export const cleanCanary = Buffer.from('canary of clamgate\n', 'latin1');

/**
 * One stream beside the places of clamd-places.ts, so that no canary waits for mail: what the in-flight
 * limit leaves of MaxThreads is enough for it.
 *
 * @param meanwhile waited for before the end of the stream is sent.
 * @throws {Cancelled} @throws {OperationalError} CLAMD, when there is no connection.
 */
export async function askCanary(
  address: ClamdAddress,
  canary: { readonly bytes: Buffer; readonly meanwhile?: () => Promise<unknown> },
  settings: CanarySettings,
  signal: CancelSignal,
): Promise<StreamAnswer> {
  const { bytes, meanwhile } = canary;
  const socket = await dial(address, settings, signal);
  const blocks = meanwhile
    ? inTwo(bytes, meanwhile)
    : { first: oneBlock([bytes]), rest: undefined };
  return scanStream(socket, blocks, { ...settings, released: () => undefined }, signal);
}

function inTwo(bytes: Buffer, meanwhile: () => Promise<unknown>): Blocks {
  const first = { chunks: [bytes], bytes: bytes.length, last: false };
  return { first, rest: endAfter(meanwhile) };
}

async function* endAfter(meanwhile: () => Promise<unknown>): AsyncGenerator<Block, void> {
  await meanwhile();
  yield oneBlock([]);
}

/**
 * Shows both canaries.
 *
 * @param meanwhile asks this clamd something: when it has answered that, an answer to the canary that
 *   came without the end of the stream would be there.
 * @returns undefined where it was right in all.
 * @throws {Cancelled}
 */
export async function falseWord(
  address: ClamdAddress,
  meanwhile: () => Promise<unknown>,
  settings: CanarySettings,
  signal: CancelSignal,
): Promise<Evidence | undefined> {
  try {
    const found = await askCanary(address, { bytes: foundCanary, meanwhile }, settings, signal);
    const wrong = wrongIn(found, 'found', 'EICAR');
    if (wrong) return wrong;
    const clean = await askCanary(address, { bytes: cleanCanary }, settings, signal);
    return wrongIn(clean, 'ok', 'a harmless line');
  } catch (error) {
    if (error instanceof FullBacklog) return { kind: 'full', detail: error.message };
    if (error instanceof OperationalError) return { kind: 'gone', detail: error.message };
    throw error;
  }
}

/** A clamd that finds what is harmless is no liar: nothing passes unseen, but nothing passes, either. */
function wrongIn(answer: StreamAnswer, must: 'found' | 'ok', what: string): Evidence | undefined {
  const { reply, words, unasked, silent } = answer;
  if (unasked) return { kind: 'lie', detail: words };
  if (silent) return { kind: 'full', detail: `no answer to the canary: ${words}` };
  const isMalware = reply.kind === 'found' && classify(reply.signature) === 'infected';
  if (must === 'found' ? isMalware : reply.kind === must) return undefined;
  if (reply.kind === 'ok') return { kind: 'lie', detail: `called ${what} clean` };
  return { kind: 'unfit', detail: `says of ${what}: ${words}` };
}
