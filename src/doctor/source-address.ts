/** From which address Postfix connects to a listener, where its configuration says so. Pure. */
import { isIP } from 'node:net';
import { isLoopback } from '../daemon/config-address.ts';
import { type Postfix, valueOf } from '../postfix/installation.ts';
import type { Service } from '../postfix/postconf.ts';

/**
 * smtp_bind_address, or the one address of inet_interfaces where that is not a loopback one: smtp(8)
 * binds to it even on the way to 127.0.0.1 (seen with Postfix 3.7).
 *
 * @param listener `127.0.0.1:10024`, `[::1]:10024` or `unix:/path`.
 * @returns undefined where the system chooses.
 */
export function sourceAddress(
  postfix: Postfix,
  transport: Service,
  listener: string,
): string | undefined {
  const host = /^\[?([^\]]*?)\]?:\d+$/.exec(listener)?.[1] ?? '';
  const family = host === 'localhost' ? 4 : isIP(host);
  if (family === 0) return undefined;
  const parameter = `${transport.command}_bind_address${family === 6 ? '6' : ''}`;
  const bound = bare(valueOf(postfix, transport, parameter));
  if (bound !== '') return bound;
  const own = valueOf(postfix, transport, 'inet_interfaces')
    .split(/[\s,]+/)
    .map(bare);
  if (own.some((word) => word !== '' && isIP(word) === 0)) return undefined;
  const [only, ...others] = own.filter((word) => isIP(word) === family);
  return only === undefined || others.length > 0 || isLoopback(only) ? undefined : only;
}

function bare(address: string): string {
  return address.replace(/^\[(?:ipv6:)?(.*)\]$/i, '$1');
}
