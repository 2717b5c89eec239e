/**
 * The checksum of Zip and 7z, for a few bytes: bit by bit (RFC 1952 §8 has it faster). That of node:zlib is behind
 * the fence: this room does no I/O.
 */

/** As an unsigned number. */
export function crc32(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
