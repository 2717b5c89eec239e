/** What a clamd is asked in an update, at its own socket and past the daemon. */
import type { CancelSignal } from '../../cancel-signal.ts';
import type { Clock } from '../../clock.ts';
import { messageOf, OperationalError } from '../../errors.ts';
import { classify } from '../../protocol/clamd/signature.ts';
import type { ClamdAddress } from '../../scan/clamd-address.ts';
import { askCanary, cleanCanary, foundCanary } from '../../scan/canary.ts';
import { ask } from '../../scan/clamd-socket.ts';
import type { StreamAnswer } from '../../scan/clamd-stream.ts';
import { type Version, versionOf } from './version.ts';

export type Canary =
  /** EICAR is found, and a harmless file is not. */
  | { readonly kind: 'right' }
  | { readonly kind: 'lying'; readonly words: string }
  /** It did not answer as a clamd does. */
  | { readonly kind: 'failed'; readonly words: string };

export interface ClamdQuestions {
  /** @returns undefined when it does not answer within `withinMs`. @throws {Cancelled} */
  version(
    address: ClamdAddress,
    withinMs: number,
    signal: CancelSignal,
  ): Promise<Version | undefined>;
  /** Resolves when it has taken the order. @throws {OperationalError} CLAMD. @throws {Cancelled} */
  reload(address: ClamdAddress, withinMs: number, signal: CancelSignal): Promise<void>;
  /** @throws {Cancelled} */
  canary(address: ClamdAddress, withinMs: number, signal: CancelSignal): Promise<Canary>;
}

/** Above every StreamMaxLength; the canaries are far below any. */
const streamBytesMax = Number.MAX_SAFE_INTEGER;

export class SocketQuestions implements ClamdQuestions {
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async version(
    address: ClamdAddress,
    withinMs: number,
    signal: CancelSignal,
  ): Promise<Version | undefined> {
    try {
      return versionOf(await ask(address, 'VERSION', this.#within(withinMs), signal));
    } catch (error) {
      if (error instanceof OperationalError) return undefined;
      throw error;
    }
  }

  async reload(address: ClamdAddress, withinMs: number, signal: CancelSignal): Promise<void> {
    const words = await ask(address, 'RELOAD', this.#within(withinMs), signal);
    // "COMMAND UNAVAILABLE" where clamd.conf forbids it (ClamAV 1.5).
    if (words !== 'RELOADING') {
      throw new OperationalError('CLAMD', `it answered RELOAD with "${words}"`);
    }
  }

  async canary(address: ClamdAddress, withinMs: number, signal: CancelSignal): Promise<Canary> {
    try {
      const settings = { ...this.#within(withinMs), silenceMs: withinMs, streamBytesMax };
      const eicar = await askCanary(address, { bytes: foundCanary }, settings, signal);
      const harmless = await askCanary(address, { bytes: cleanCanary }, settings, signal);
      return judgeCanary(eicar, harmless);
    } catch (error) {
      if (error instanceof OperationalError) return { kind: 'failed', words: messageOf(error) };
      throw error;
    }
  }

  #within(connectMs: number): { clock: Clock; connectMs: number } {
    return { clock: this.#clock, connectMs };
  }
}

/** What the answers about EICAR and about a harmless file tell together. */
export function judgeCanary(
  eicar: Pick<StreamAnswer, 'reply' | 'words'>,
  harmless: Pick<StreamAnswer, 'reply' | 'words'>,
): Canary {
  const said = `EICAR: "${eicar.words}", a harmless file: "${harmless.words}"`;
  const answers = [eicar.reply.kind, harmless.reply.kind];
  if (answers.some((kind) => kind !== 'ok' && kind !== 'found')) {
    return { kind: 'failed', words: said };
  }
  const isFound = eicar.reply.kind === 'found' && classify(eicar.reply.signature) === 'infected';
  return isFound && harmless.reply.kind === 'ok'
    ? { kind: 'right' }
    : { kind: 'lying', words: said };
}
