/** Finds the entry of master.cf that takes mail back from us, and whom it asks before it commits. */
import { isLoopback } from '../daemon/config-address.ts';
import { type Postfix, valueOf } from '../postfix/installation.ts';
import type { Service } from '../postfix/postconf.ts';
import { parseNextHopAddress } from '../relay/address.ts';

/** Undefined where the next hop is no smtpd of this Postfix. */
export function reinjectionEntry(postfix: Postfix, nextHop: string): Service | undefined {
  const { flavour, connect } = parseNextHopAddress(nextHop);
  if (flavour === 'lmtp' || 'path' in connect || !isLoopback(connect.host)) return undefined;
  const { host, port } = connect;
  const own = host === 'localhost' ? ['127.0.0.1', '[::1]'] : [host, `[${host}]`];
  // One that has every address has this one, too.
  const hosts = [...own, 'localhost', '0.0.0.0', '[::]'];
  const names = [...hosts.map((one) => `${one}:${port}`), String(port)];
  return postfix.services.find(({ name, type }) => type === 'inet' && names.includes(name));
}

/** The entries that take mail back from listeners, each once. */
export function reinjectionEntries(
  postfix: Postfix,
  listeners: readonly { readonly nextHop: string }[],
): readonly Service[] {
  const all = listeners.flatMap(({ nextHop }) => reinjectionEntry(postfix, nextHop) ?? []);
  return [...new Set(all)];
}

/** `unix:clamgate/commit.sock` of its check_policy_service at the end of data. */
export function policyServerOf(postfix: Postfix, entry: Service): string | undefined {
  const value = valueOf(postfix, entry, 'smtpd_end_of_data_restrictions');
  return /check_policy_service[\s,{]+([^\s,}]+)/.exec(value)?.[1];
}
