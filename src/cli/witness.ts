/**
 * `clamgate witness`: a process of its own, beside the daemon and longer-lived, with the right to
 * look into Postfix's queue and no other task.
 */
import { existsSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { messageOf } from '../errors.ts';
import { removeStaleSocket } from '../listener/stale-socket.ts';
import { parseSocketAddress } from '../socket-address.ts';
import { WitnessServer } from '../witness/server.ts';
import { Witness } from '../witness/witness.ts';
import type { CliContext } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { CliFailure } from './failure.ts';

export interface WitnessVerbOptions {
  readonly socket: string;
  readonly queueDirectory: string;
  readonly log?: string;
  readonly heldMax: string;
}

/** SD_LISTEN_FDS_START of sd_listen_fds(3). */
const inheritedSocket = 3;
/** The daemon is in the group that the socket is given to (clamgate-witness.socket). */
const socketMode = 0o660;

/**
 * Runs until SIGTERM or SIGINT.
 *
 * @throws {CliFailure} when the socket cannot be had.
 */
export async function witness(context: CliContext, options: WitnessVerbOptions): Promise<void> {
  const ended = terminated();
  const onTrouble = (detail: string): void => {
    context.note(`clamgate witness: ${detail}`);
  };
  const held = new Witness({
    queueDirectory: options.queueDirectory,
    ...(options.log === undefined ? {} : { log: options.log }),
    heldMax: heldMaxOf(options.heldMax),
    clock: context.clock,
    onTrouble,
  });
  if (!existsSync(options.queueDirectory)) {
    onTrouble(`there is no ${options.queueDirectory}: of no message there will be evidence`);
  }
  const server = new WitnessServer({ witness: held, onTrouble });
  const path = pathOf(options.socket);
  try {
    context.note(`clamgate witness: listening on ${await open(server, path, context.env)}`);
  } catch (error) {
    throw new CliFailure(exitCodes.unavailable, messageOf(error), { cause: error });
  }
  await ended;
  await server.close();
  held.close();
}

/** @returns where it listens. */
async function open(server: WitnessServer, path: string, env: CliContext['env']): Promise<string> {
  if (isActivated(env)) {
    await server.open({ fd: inheritedSocket });
    return 'the socket of systemd';
  }
  await removeStaleSocket(path);
  await server.open({ path });
  await chmod(path, socketMode);
  return path;
}

/** sd_listen_fds(3). Where bin/clamgate.js started a newer Node.js, systemd knows only our parent. */
function isActivated(env: CliContext['env']): boolean {
  const pid = Number(env['LISTEN_PID']);
  return env['LISTEN_FDS'] === '1' && (pid === process.pid || pid === process.ppid);
}

function pathOf(socket: string): string {
  const parsed = parseSocketAddress(socket.startsWith('unix:') ? socket : `unix:${socket}`);
  if (!parsed.ok) throw new CliFailure(exitCodes.usage, parsed.problem);
  return 'path' in parsed.address ? parsed.address.path : '';
}

function heldMaxOf(text: string): number {
  const count = Number(text);
  if (Number.isSafeInteger(count) && count > 0) return count;
  throw new CliFailure(exitCodes.usage, `--held-max must be a whole number, not "${text}"`);
}

function terminated(): Promise<unknown> {
  return new Promise((resolve) => {
    process.once('SIGTERM', resolve).once('SIGINT', resolve);
  });
}
