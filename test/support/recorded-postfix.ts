/** A Postfix as it was recorded in fixtures/postconf, and one that differs from it. */
import { readFileSync } from 'node:fs';
import type { Postfix } from '../../src/postfix/installation.ts';
import { parseParameters, parseServices, type Service } from '../../src/postfix/postconf.ts';

export function recorded(name: string): string {
  return readFileSync(new URL(`../../fixtures/postconf/${name}`, import.meta.url), 'utf8');
}

export function recordedPostfix(): Postfix {
  return {
    directory: '/etc/postfix',
    main: parseParameters(recorded('postconf-x.txt')),
    services: parseServices(recorded('postconf-Mf.txt'), recorded('postconf-xP.txt')),
  };
}

/** With these parameters of main.cf in place of those that were recorded. */
export function withMain(postfix: Postfix, parameters: Readonly<Record<string, string>>): Postfix {
  return { ...postfix, main: new Map([...postfix.main, ...Object.entries(parameters)]) };
}

/** With a service as `change` makes it; without it where that gives nothing. */
export function withService(
  postfix: Postfix,
  name: string,
  change: (service: Service) => Service | undefined,
): Postfix {
  const services = postfix.services.flatMap((service) =>
    service.name === name ? (change(service) ?? []) : service,
  );
  return { ...postfix, services };
}

/** With these options of a service; undefined takes one away. */
export function withOptions(
  postfix: Postfix,
  name: string,
  options: Readonly<Record<string, string | undefined>>,
): Postfix {
  return withService(postfix, name, (service) => {
    const changed = new Map(service.options);
    for (const [option, value] of Object.entries(options)) {
      if (value === undefined) changed.delete(option);
      else changed.set(option, value);
    }
    return { ...service, options: changed };
  });
}
