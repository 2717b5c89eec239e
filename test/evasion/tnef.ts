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
