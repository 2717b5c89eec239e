/** A message as an MTA tells a Milter of it, and as it is once the Milter's changes are made. */
import { frame } from '../protocol/milter/mta.ts';

/** A field: its name, and what stands behind the colon, the last line end left out. */
interface Field {
  readonly name: string;
  readonly value: string;
}

export interface TakenApart {
  readonly fields: readonly Field[];
  readonly body: Buffer;
}

const bodyBytesMax = 65_535;

/** A header section up to the empty line, which may be missing where nothing follows. */
export function takeApart(content: Buffer): TakenApart {
  const text = content.toString('latin1');
  const [, header = '', rest = ''] =
    /^((?:[^\r\n:]+:(?:[^\r]|\r(?!\n)|\r\n[ \t])*\r\n)*)(.*)$/s.exec(text) ?? [];
  if (rest !== '' && !rest.startsWith('\r\n'))
    throw new Error('no header section that an MTA reads');
  const fields =
    header === ''
      ? []
      : header
          .slice(0, -2)
          .split(/\r\n(?![ \t])/)
          .map(fieldOf);
  return { fields, body: Buffer.from(rest.slice(2), 'latin1') };
}

function fieldOf(line: string): Field {
  const colon = line.indexOf(':');
  return { name: line.slice(0, colon), value: line.slice(colon + 1) };
}

/** @param leadingSpace whether the blank behind the colon comes with the value. */
export function fieldFrame({ name, value }: Field, leadingSpace: boolean): Buffer {
  const told = (leadingSpace ? value : value.replace(/^ /, '')).replaceAll('\r\n', '\n');
  return frame('L', `${name}\0${told}\0`);
}

export function bodyFrames(body: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at < body.length; at += bodyBytesMax) {
    frames.push(frame('B', body.subarray(at, at + bodyBytesMax)));
  }
  return frames;
}

/**
 * What the MTA goes on with. Of a name's n-th field it takes away those whose new value is empty,
 * counted as they stand then; a field that is inserted at 1 is the first one below its own Received.
 *
 * @param changes the Milter's frames, letter and data: `m` and `i`.
 */
export function changed({ fields, body }: TakenApart, changes: readonly string[]): Buffer {
  const now = [...fields];
  for (const change of changes) {
    const index = Buffer.from(change.slice(1, 5), 'latin1').readUInt32BE();
    const [name = '', value = ''] = change.slice(5).split('\0');
    if (change.startsWith('m')) {
      const same = now.filter((field) => field.name.toLowerCase() === name.toLowerCase());
      const at = now.indexOf(same[index - 1] ?? { name, value });
      if (value !== '' || at < 0) throw new Error(`not a field that is there: ${change}`);
      now.splice(at, 1);
    } else now.splice(index - 1, 0, { name, value: value.startsWith(' ') ? value : ` ${value}` });
  }
  const lines = now.map((field) => `${field.name}:${field.value}\r\n`);
  return Buffer.concat([Buffer.from(`${lines.join('')}\r\n`, 'latin1'), body]);
}
