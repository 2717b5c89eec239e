/** How large a message can be. Pure. */
import { showSize } from '../../daemon/config-units.ts';
import type { Postfix } from '../../postfix/installation.ts';

/** message_size_limit of main.cf, in bytes; Infinity where it is 0, which is no limit. */
export function messageBytes({ main }: Postfix): number {
  const limit = Number(main.get('message_size_limit') ?? 0);
  return limit === 0 ? Infinity : limit;
}

export function sizeText(bytes: number): string {
  return bytes === Infinity ? 'unlimited' : showSize(bytes);
}
