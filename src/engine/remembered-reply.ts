import type { Reply } from '../protocol/smtp/reply.ts';

const linesMax = 4;
/** RFC 5321 §4.5.3.1.5. */
const lineMax = 512;
/**
 * Of all entries of one message, in characters of up to three bytes: each has the reply of its own, and
 * they may come in one record of the ledger; what is too large for one is not remembered at all.
 */
const allMax = 1024 * 1024;

/**
 * What a retry is told of a next hop's reply, which may be 32 KiB: its beginning.
 *
 * @param entries that have one.
 */
export function rememberedReply({ lines, ...reply }: Reply, entries: number): Reply {
  const most = Math.min(lineMax, Math.floor(allMax / entries / linesMax));
  return { ...reply, lines: lines.slice(0, linesMax).map((line) => line.slice(0, most)) };
}
