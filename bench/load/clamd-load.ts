/**
 * Sends streams to clamd with nothing in between: a connection, one write, the answer. It shares no
 * code with clamgate's own client, so that it measures clamd and not ourselves.
 */
import { connect } from 'node:net';

/** Scans one stream; rejects unless clamd says that it is clean. */
export function scanAlone(socketPath: string, stream: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(stream.length);
    let answer = '';
    connect(socketPath)
      .setEncoding('latin1')
      .on('data', (text: string) => {
        answer += text;
      })
      .on('error', reject)
      .on('close', () => {
        if (answer === 'stream: OK\0') resolve();
        else reject(new Error(`clamd said '${answer}'`));
      })
      .write(Buffer.concat([Buffer.from('zINSTREAM\0'), length, stream, Buffer.alloc(4)]));
  });
}
