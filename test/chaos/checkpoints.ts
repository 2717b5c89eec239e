/**
 * The named points of the protocol, found from outside in the built daemon: its methods are wrapped
 * before it starts, so that nothing that ships can be told to die.
 */
import { Socket } from 'node:net';
import type { Checkpoint } from './filter.ts';

type Reached = (point: Checkpoint) => void;
type Method = (this: unknown, ...args: unknown[]) => unknown;
type Prototype = Record<string, Method>;

/** @param built gives a module of the build by its path. */
export async function watchCheckpoints(
  built: (file: string) => Promise<Record<string, { prototype: Prototype }>>,
  reached: Reached,
): Promise<void> {
  const { Handover } = await built('engine/handover.js');
  const { Handovers } = await built('engine/handovers.js');
  const { Attempt } = await built('engine/attempt.js');
  const { Connection } = await built('relay/connection.js');
  if (!Handover || !Handovers || !Attempt || !Connection) throw new Error('another build');
  around(Handover.prototype, 'begin', { before: 'before-ledger', after: 'sending' }, reached);
  around(Handover.prototype, 'settle', { before: 'replied', after: 'delivered' }, reached);
  around(Handovers.prototype, 'asked', { before: 'asked' }, reached);
  around(Attempt.prototype, 'asked', { after: 'prepared' }, reached);
  around(Connection.prototype, 'endOfData', { behind: 'dot' }, reached);
  watchWrites(reached);
}

interface Points {
  /** Before the call. */
  readonly before?: Checkpoint;
  /** Once what it returned has settled. */
  readonly after?: Checkpoint;
  /** As soon as it has returned. */
  readonly behind?: Checkpoint;
}

function around(prototype: Prototype, name: string, points: Points, reached: Reached): void {
  const method = prototype[name];
  if (!method) throw new Error(`the build has no ${name}`);
  prototype[name] = function (...args) {
    if (points.before) reached(points.before);
    const result = method.apply(this, args);
    if (points.behind) reached(points.behind);
    const { after } = points;
    if (!after) return result;
    return Promise.resolve(result).then((value) => {
      reached(after);
      return value;
    });
  };
}

/** What has been written is in the kernel's hands: our death does not take it back. */
function watchWrites(reached: Reached): void {
  const prototype = Socket.prototype as unknown as Prototype;
  const write = prototype['write'];
  if (!write) throw new Error('a socket can be written to');
  prototype['write'] = function (...args) {
    const [bytes] = args;
    const result = write.apply(this, args);
    const text = Buffer.isBuffer(bytes) && bytes.length < 1000 ? bytes.toString('latin1') : '';
    if (text.startsWith('action=DUNNO')) reached('allowed');
    if (/^250 2\.0\.0 Ok: queued as /m.test(text)) reached('answered');
    return result;
  };
}
