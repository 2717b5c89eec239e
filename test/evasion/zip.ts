/** Makes Zip archives (APPNOTE 6.3), so that none has to be stored. */
import { crc32, deflateRawSync } from 'node:zlib';

export interface ZipMember {
  readonly name: string;
  readonly bytes: Buffer;
  readonly stored?: boolean;
}

export function zip(members: readonly ZipMember[]): Buffer {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const member of members) {
    const packed = member.stored === true ? member.bytes : deflateRawSync(member.bytes);
    const about = aboutMember(member, packed);
    const name = Buffer.from(member.name, 'latin1');
    const entry = Buffer.concat([word(0x04034b50), about, half(0), name, packed]);
    // Comment, disk and attributes are nothing; then where its entry begins.
    const rest = Buffer.concat([half(0), half(0), half(0), half(0), word(0), word(offset)]);
    central.push(Buffer.concat([word(0x02014b50), half(20), about, rest, name]));
    local.push(entry);
    offset += entry.length;
  }
  const directory = Buffer.concat(central);
  const count = half(members.length);
  const end = [word(0x06054b50), half(0), half(0), count, count, word(directory.length)];
  return Buffer.concat([...local, directory, ...end, word(offset), half(0)]);
}

/** From "version needed" to the length of the name, which both headers of a member have alike. */
function aboutMember({ name, bytes, stored }: ZipMember, packed: Buffer): Buffer {
  const time = word(0x5b6a5000);
  const method = half(stored === true ? 0 : 8);
  const sizes = [word(crc32(bytes)), word(packed.length), word(bytes.length)];
  return Buffer.concat([half(20), half(0), method, time, ...sizes, half(name.length)]);
}

function half(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
