/** Where a clamd listens, as it is written in the configuration. */
import { parseSocketAddress, type SocketAddress } from '../socket-address.ts';

export interface ClamdAddress {
  /** As configured: its name in logs, metrics and reports. */
  readonly name: string;
  readonly connect: SocketAddress;
}

export type ParsedClamdAddress =
  | { readonly ok: true; readonly address: ClamdAddress }
  /** `problem` says what is wrong and what would be right. */
  | { readonly ok: false; readonly problem: string };

/** Reads 'unix:/path', 'tcp://host:port' or 'tcp://[::1]:port'. */
export function parseClamdAddress(name: string): ParsedClamdAddress {
  if (name.startsWith('/')) return problem(name, `a Unix socket is written 'unix:${name}'`);
  if (!/^(?:unix:|tcp:\/\/)/.test(name)) {
    return problem(
      name,
      "clamd's address must be 'unix:/path', 'tcp://host:port' or 'tcp://[::1]:port'",
    );
  }
  const parsed = parseSocketAddress(name.replace(/^tcp:\/\//, ''));
  if (!parsed.ok) return problem(name, parsed.problem);
  return { ok: true, address: { name, connect: parsed.address } };
}

function problem(text: string, what: string): ParsedClamdAddress {
  return { ok: false, problem: `'${text}': ${what}` };
}
