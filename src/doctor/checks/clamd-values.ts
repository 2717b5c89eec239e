/** Values of a clamd.conf with its defaults, in bytes, milliseconds and yes or no. Pure. */
import { parseSize } from '../../daemon/config-units.ts';
import type { ClamdConf } from '../facts.ts';
import { clamdDefaults } from '../probes/clamd-conf.ts';

export function confText({ values }: ClamdConf, name: string): string {
  return values.get(name) ?? clamdDefaults.get(name) ?? '';
}

/** Bytes; Infinity where 0 means that there is no limit. */
export function confBytes(conf: ClamdConf, name: string): number {
  const bytes = parseSize(confText(conf, name)) ?? 0;
  return bytes === 0 ? Infinity : bytes;
}

export function confMs(conf: ClamdConf, name: string): number {
  return Number(confText(conf, name));
}

/** clamd.conf(5): 1, yes, true (and on, as its parser has it). */
export function isOn(conf: ClamdConf, name: string): boolean {
  return /^(?:1|yes|true|on)$/i.test(confText(conf, name));
}
