/**
 * The least that Node.js can do for a message: the dialogue of clamgate with nothing in it. No
 * parser, no timer, no log, no check of anything; one recipient, no part scanned by itself. It is what
 * clamgate's CPU time is compared with, and no filter. `node floor.ts PORT NEXT_HOP_PORT CLAMD_SOCKET`.
 */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

const [port, nextHopPort, clamdPath = ''] = process.argv.slice(2);
let idle: Dialogue[] = [];

/** A connection on which replies are counted. */
class Dialogue {
  readonly #socket: Socket;
  #received = '';
  #awaited = 0;
  #resolve: (text: string) => void = () => undefined;

  constructor(socket: Socket) {
    this.#socket = socket.setEncoding('latin1').on('data', (text: string) => {
      this.#received += text;
      this.#look();
    });
    // smtp-sink gives up who says nothing for five minutes.
    socket
      .on('error', () => undefined)
      .on('close', () => {
        idle = idle.filter((one) => one !== this);
      });
  }

  /** What came, when so many replies have. */
  say(text: string | Buffer, replies: number): Promise<string> {
    if (text.length > 0) this.#socket.write(text);
    return new Promise((resolve) => {
      this.#awaited = replies;
      this.#resolve = resolve;
      this.#look();
    });
  }

  #look(): void {
    const replies = this.#received.match(/^\d{3} .*\r\n/gm) ?? [];
    if (this.#awaited === 0 || replies.length < this.#awaited) return;
    const received = this.#received;
    this.#received = '';
    this.#awaited = 0;
    this.#resolve(received);
  }
}

async function nextHop(): Promise<Dialogue> {
  const kept = idle.pop();
  if (kept) return kept;
  const dialogue = new Dialogue(
    connect({ port: Number(nextHopPort), host: '127.0.0.1', noDelay: true }),
  );
  await dialogue.say('', 1);
  return dialogue;
}

async function scan(message: Buffer): Promise<string> {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(message.length);
  const socket = connect({ path: clamdPath, allowHalfOpen: true }).setEncoding('latin1');
  let answer = '';
  socket.on('data', (text: string) => (answer += text)).on('end', () => socket.destroy());
  socket.write(Buffer.concat([Buffer.from('zINSTREAM\0'), length, message, Buffer.alloc(4)]));
  await once(socket, 'close');
  return answer;
}

async function deliver(hop: Dialogue, message: Buffer): Promise<string> {
  const answer = await scan(message.subarray(0, -'.\r\n'.length));
  if (answer !== 'stream: OK\0') return '451 4.7.1 not clean\r\n';
  await hop.say('DATA\r\n', 1);
  const reply = await hop.say(message, 1);
  idle.push(hop);
  return reply;
}

function serve(socket: Socket): void {
  let received = '';
  let hop: Dialogue | undefined;
  const envelope = async (): Promise<void> => {
    hop = await nextHop();
    await hop.say('EHLO floor.test\r\n', 1);
    await hop.say('MAIL FROM:<anna@example.net>\r\nRCPT TO:<ben@example.org>\r\n', 2);
    socket.write('250 Ok\r\n250 Ok\r\n354 Go\r\n');
  };
  const take = async (text: string): Promise<void> => {
    if (hop) {
      const delivered = deliver(hop, Buffer.from(text, 'latin1'));
      hop = undefined;
      socket.write(await delivered);
    } else if (text.startsWith('EHLO')) socket.write('250-floor.test\r\n250 PIPELINING\r\n');
    else if (text.startsWith('QUIT')) socket.end('221 Bye\r\n');
    else await envelope();
  };
  socket.setEncoding('latin1').on('data', (text: string) => {
    received += text;
    if (!received.endsWith(hop ? '\r\n.\r\n' : '\r\n')) return;
    const whole = received;
    received = '';
    void take(whole);
  });
  socket.on('error', () => undefined).write('220 floor.test ESMTP\r\n');
}

createServer({ noDelay: true }, serve).listen(Number(port), '127.0.0.1');
process.on('disconnect', () => process.exit());
