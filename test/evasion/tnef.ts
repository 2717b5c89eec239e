/** winmail.dat (MS-OXTNEF): a text body and the attachments, with a checksum for each attribute. */
export interface TnefFile {
  readonly name: string;
  readonly bytes: Buffer;
}

const levelMessage = 1;
const levelAttachment = 2;

/** The numbers are those of MS-OXTNEF §2.1.3.1 (attribute type and id in one). */
const attributes = {
  tnefVersion: 0x00089006,
  oemCodepage: 0x00069007,
  messageClass: 0x00078008,
  renderData: 0x00069002,
  title: 0x00018010,
  data: 0x0006800f,
  properties: 0x00069005,
} as const;

export function tnef(files: readonly TnefFile[]): Buffer {
  return Buffer.concat([
    Buffer.from([0x78, 0x9f, 0x3e, 0x22, 1, 0]),
    attribute(levelMessage, attributes.tnefVersion, Buffer.from([0, 0, 1, 0])),
    attribute(levelMessage, attributes.oemCodepage, Buffer.from([0xe4, 4, 0, 0, 0, 0, 0, 0])),
    attribute(levelMessage, attributes.messageClass, Buffer.from('IPM.Microsoft Mail.Note\0')),
    ...files.flatMap(attachment),
  ]);
}

/** The attachment among MAPI properties (MS-OXTNEF §2.1.3.4): binary, or an object behind its interface. */
export function tnefWithProperties({ name, bytes }: TnefFile, isObject: boolean): Buffer {
  const padded = (data: Buffer): Buffer =>
    Buffer.concat([data, Buffer.alloc((4 - (data.length % 4)) % 4)]);
  const content = isObject ? Buffer.concat([Buffer.alloc(16, 7), bytes]) : bytes;
  const shortName = Buffer.from(`${name}\0`, 'latin1');
  const properties = Buffer.concat([
    numbers(4),
    // PidTagAttachMethod; a named property, a number; the name; the data.
    numbers(0x37050003, 1),
    numbers(0x80010003, 1, 2, 3, 4, 0, 5, 6),
    numbers(0x3707001e, 1, shortName.length),
    padded(shortName),
    numbers(isObject ? 0x3701000d : 0x37010102, 1, content.length),
    padded(content),
  ]);
  return Buffer.concat([
    tnef([]),
    attribute(levelAttachment, attributes.renderData, Buffer.alloc(14)),
    attribute(levelAttachment, attributes.title, shortName),
    attribute(levelAttachment, attributes.properties, properties),
  ]);
}

function numbers(...all: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * all.length);
  all.forEach((one, at) => bytes.writeUInt32LE(one, 4 * at));
  return bytes;
}

function attachment({ name, bytes }: TnefFile): Buffer[] {
  const render = Buffer.alloc(14);
  render.writeUInt16LE(1);
  render.fill(0xff, 2, 6);
  return [
    attribute(levelAttachment, attributes.renderData, render),
    attribute(levelAttachment, attributes.title, Buffer.from(`${name}\0`, 'latin1')),
    attribute(levelAttachment, attributes.data, bytes),
  ];
}

function attribute(level: number, id: number, bytes: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUInt8(level);
  head.writeUInt32LE(id, 1);
  head.writeUInt32LE(bytes.length, 5);
  const sum = Buffer.alloc(2);
  sum.writeUInt16LE(bytes.reduce((total, byte) => (total + byte) & 0xffff, 0));
  return Buffer.concat([head, bytes, sum]);
}
