/** The ways that mail takes from Postfix to a listener: which transport, and who names it. Pure. */
import type { Postfix } from '../postfix/installation.ts';
import type { Service } from '../postfix/postconf.ts';
import type { SmtpListenerConfig } from '../daemon/config-listener.ts';
import { isWildcard } from '../daemon/config-address.ts';

export interface Way {
  readonly listener: SmtpListenerConfig;
  /** Of a content_filter that leads to it; undefined where master.cf has no such entry. */
  readonly transport: Service | undefined;
  readonly transportName: string;
  /** The content_filter itself. */
  readonly filter: string;
  /** Whether main.cf has it, and not only an smtpd of master.cf. */
  readonly inMain: boolean;
}

/** Of each listener that a content_filter leads to. */
export function waysToUs(
  postfix: Postfix,
  listeners: readonly SmtpListenerConfig[],
): readonly Way[] {
  const named = [
    { filter: postfix.main.get('content_filter') ?? '', inMain: true },
    ...postfix.services.map(({ options }) => ({
      filter: options.get('content_filter') ?? '',
      inMain: false,
    })),
  ];
  return listeners.flatMap((listener) => {
    const found = named.find(({ filter }) => leadsTo(filter, listener.address));
    if (found === undefined) return [];
    const transportName = found.filter.slice(0, found.filter.indexOf(':'));
    const transport = postfix.services.find(
      ({ name, type }) => name === transportName && type === 'unix',
    );
    return [{ listener, transport, transportName, ...found }];
  });
}

/** Those with a transport that is there. */
export function transportsToUs(
  postfix: Postfix,
  listeners: readonly SmtpListenerConfig[],
): readonly (Way & { readonly transport: Service })[] {
  return waysToUs(postfix, listeners).flatMap((way) =>
    way.transport === undefined ? [] : [{ ...way, transport: way.transport }],
  );
}

/** `scan:[127.0.0.1]:10024`, `scan:unix:/path`; the port alone decides for a listener everywhere. */
function leadsTo(filter: string, address: string): boolean {
  const destination = normalised(filter.slice(filter.indexOf(':') + 1));
  const own = normalised(address);
  if (destination === own) return true;
  const [, host = '', port] = /^(.*):(\d+)$/.exec(own) ?? [];
  return isWildcard(host) && port !== undefined && destination.endsWith(`:${port}`);
}

/** Without brackets, the `ipv6:` of Postfix, and the other name of loopback. */
function normalised(destination: string): string {
  return destination
    .replace(/^(?:inet:)?\[?(?:ipv6:)?([^\]]*?)\]?:(\w+)$/i, '$1:$2')
    .replace(/^localhost:/, '127.0.0.1:');
}
