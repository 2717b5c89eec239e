/**
 * The far end of a test: an SMTP or LMTP server that keeps every message byte for byte as it came
 * over the wire (dots unstuffed), with its envelope. It can be told to answer any step otherwise,
 * to drop the connection there, or to say nothing.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';

/** Where a reply can be replaced. `dot` is the reply to the end of data (LMTP: for each recipient). */
export type SinkStep =
  'greeting' | 'hello' | 'xforward' | 'mail' | 'rcpt' | 'data' | 'dot' | 'quit';

/** What the sink does at a step. */
export type SinkAnswer =
  | { readonly kind: 'reply'; /** Without the CRLF. */ readonly text: string }
  /** Drops the connection. */
  | { readonly kind: 'drop' }
  /** Says nothing and goes on listening. */
  | { readonly kind: 'silence' };

export interface SinkMessage {
  /** What followed EHLO, HELO or LHLO. */
  readonly helo: string;
  /** The XFORWARD attributes in force, names in upper case, values as sent (xtext). */
  readonly xforward: ReadonlyMap<string, string>;
  /** What followed `MAIL FROM:` and `RCPT TO:`, parameters and all, e.g. `<a@b.test> NOTIFY=NEVER`. */
  readonly from: string;
  readonly to: readonly string[];
  readonly data: Buffer;
  /** 1 for the first connection, and so on. */
  readonly connection: number;
  /** When it was kept, by `performance.now()`. */
  readonly at: number;
}

export interface SinkOptions {
  readonly protocol?: 'smtp' | 'lmtp';
  /** 0 (the default) takes any free port. */
  readonly port?: number;
  /** Asked before every reply, with the step and what followed the verb; undefined: answer as usual. */
  readonly answer?: (step: SinkStep, argument: string) => SinkAnswer | undefined;
  /** EHLO keywords, instead of all that Postfix can use. */
  readonly extensions?: readonly string[];
}

export interface Sink {
  readonly port: number;
  /** In the order in which they were accepted. */
  readonly messages: readonly SinkMessage[];
  /** How many connections were opened so far. */
  readonly connections: number;
  /** Resolves when at least `count` messages have been kept; rejects after `seconds`. */
  received(count: number, seconds?: number): Promise<readonly SinkMessage[]>;
  /** Stops listening and drops every connection. */
  stop(): Promise<void>;
}

const allExtensions = [
  'PIPELINING',
  'SIZE 209715200',
  '8BITMIME',
  'SMTPUTF8',
  'DSN',
  'ENHANCEDSTATUSCODES',
  'XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE',
];
const endOfData = Buffer.from('\r\n.\r\n');
const crlf = Buffer.from('\r\n');

export async function startSink(options: SinkOptions = {}): Promise<Sink> {
  const messages: SinkMessage[] = [];
  const sockets = new Set<Socket>();
  const waiting = new Set<() => void>();
  let connections = 0;
  const keep = (message: SinkMessage): void => {
    messages.push(message);
    for (const look of waiting) look();
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    const session = new SinkSession(socket, options, { connection: ++connections, keep });
    session.start();
  });
  server.listen({ port: options.port ?? 0, host: '127.0.0.1' });
  await once(server, 'listening');
  return {
    port: portOf(server),
    messages,
    get connections() {
      return connections;
    },
    received: (count, seconds = 30) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(look);
          reject(new Error(`${messages.length} of ${count} messages arrived in ${seconds} s`));
        }, seconds * 1000);
        const look = (): void => {
          if (messages.length < count) return;
          clearTimeout(timer);
          waiting.delete(look);
          resolve(messages);
        };
        waiting.add(look);
        look();
      }),
    stop: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the sink has no port');
  return address.port;
}

/** The line length of one connection is not limited: the peer is a program under test. */
class SinkSession {
  readonly #socket: Socket;
  readonly #options: SinkOptions;
  readonly #connection: number;
  readonly #keep: (message: SinkMessage) => void;
  #helo = '';
  #xforward = new Map<string, string>();
  #from: string | undefined;
  #to: string[] = [];
  /** What has come and is not read yet; while in data, the whole content so far. */
  #pending: Buffer[] = [];
  #inData = false;

  constructor(
    socket: Socket,
    options: SinkOptions,
    sink: { connection: number; keep: (message: SinkMessage) => void },
  ) {
    this.#socket = socket;
    this.#options = options;
    this.#connection = sink.connection;
    this.#keep = sink.keep;
  }

  start(): void {
    this.#socket.on('error', () => this.#socket.destroy());
    this.#socket.on('data', (chunk: Buffer) => {
      this.#receive(chunk);
    });
    this.#say('greeting', '', '220 sink.test');
  }

  #receive(chunk: Buffer): void {
    this.#pending.push(chunk);
    while (this.#inData ? this.#takeContent() : this.#takeCommand());
  }

  #takeCommand(): boolean {
    const bytes = Buffer.concat(this.#pending);
    const end = bytes.indexOf(crlf);
    this.#pending = end === -1 ? [bytes] : [bytes.subarray(end + crlf.length)];
    if (end !== -1) this.#command(bytes.toString('utf8', 0, end));
    return end !== -1;
  }

  #takeContent(): boolean {
    // Joined only when the terminator may have come: content arrives in many pieces.
    if (!this.#tail().includes(endOfData)) return false;
    const bytes = Buffer.concat(this.#pending);
    const end = bytes.indexOf(endOfData);
    this.#pending = [bytes.subarray(end + endOfData.length)];
    this.#inData = false;
    // The CRLF in front belongs to the DATA command (see `#data`).
    this.#endOfData(unstuff(bytes.subarray(0, end + crlf.length)).subarray(crlf.length));
    return true;
  }

  /** The last piece with the end of what came before it: the terminator may be cut anywhere. */
  #tail(): Buffer {
    const last = this.#pending.at(-1) ?? Buffer.alloc(0);
    const before: Buffer[] = [];
    let length = 0;
    for (let i = this.#pending.length - 2; i >= 0 && length < endOfData.length; i--) {
      const piece = this.#pending[i] ?? Buffer.alloc(0);
      before.unshift(piece.subarray(-endOfData.length));
      length += piece.length;
    }
    return Buffer.concat([...before, last]);
  }

  #command(line: string): void {
    const [, verb = '', argument = ''] = /^(\S*) ?(.*)$/s.exec(line) ?? [];
    switch (verb.toUpperCase()) {
      case 'EHLO':
      case 'LHLO':
      case 'HELO':
        this.#hello(verb.toUpperCase(), argument);
        break;
      case 'XFORWARD':
        this.#forward(argument);
        break;
      case 'MAIL':
        this.#mail(argument.replace(/^FROM: ?/i, ''));
        break;
      case 'RCPT':
        this.#rcpt(argument.replace(/^TO: ?/i, ''));
        break;
      case 'DATA':
        this.#data();
        break;
      case 'RSET':
        this.#reset();
        this.#write('250 2.0.0 Ok');
        break;
      case 'NOOP':
        this.#write('250 2.0.0 Ok');
        break;
      case 'QUIT':
        this.#say('quit', '', '221 2.0.0 Bye');
        this.#socket.end();
        break;
      default:
        this.#write('500 5.5.2 What?');
    }
  }

  #hello(verb: string, argument: string): void {
    this.#reset();
    this.#helo = argument;
    const extensions = verb === 'HELO' ? [] : (this.#options.extensions ?? allExtensions);
    const lines = ['sink.test', ...extensions];
    const reply = lines.map((text, i) => `250${i === lines.length - 1 ? ' ' : '-'}${text}`);
    this.#say('hello', argument, reply.join('\r\n'));
  }

  #forward(argument: string): void {
    if (!this.#say('xforward', argument, '250 2.0.0 Ok')) return;
    for (const pair of argument.split(' ')) {
      const [name = '', value = ''] = pair.split(/=(.*)/s);
      this.#xforward.set(name.toUpperCase(), value);
    }
  }

  #mail(path: string): void {
    if (this.#say('mail', path, '250 2.1.0 Ok')) this.#from = path;
  }

  #rcpt(path: string): void {
    if (this.#say('rcpt', path, '250 2.1.5 Ok')) this.#to.push(path);
  }

  #data(): void {
    if (this.#from === undefined || this.#to.length === 0) {
      this.#write('503 5.5.1 No');
      return;
    }
    if (!this.#say('data', '', '354 Go on')) return;
    this.#inData = true;
    // RFC 5321 §4.1.1.4: the CRLF that ended DATA can be the first of the end of data.
    this.#pending.unshift(crlf);
  }

  #endOfData(data: Buffer): void {
    const lmtp = this.#options.protocol === 'lmtp';
    const recipients = this.#to;
    const replies = lmtp ? recipients : [''];
    // RFC 2033 §4.2: one reply for each recipient. A message is kept for those that were accepted.
    const accepted = replies.filter((to) => this.#say('dot', to, `250 2.0.0 Ok: queued by sink`));
    if (accepted.length > 0) {
      this.#keep({
        helo: this.#helo,
        xforward: this.#xforward,
        from: this.#from ?? '',
        to: lmtp ? accepted : recipients,
        data,
        connection: this.#connection,
        at: performance.now(),
      });
    }
    this.#reset();
  }

  /** The attributes of XFORWARD end with the transaction, as the envelope does. */
  #reset(): void {
    this.#from = undefined;
    this.#to = [];
    this.#xforward = new Map();
  }

  /** Answers `usual` unless told otherwise; false when the step was not answered with 2xx or 3xx. */
  #say(step: SinkStep, argument: string, usual: string): boolean {
    const answer = this.#options.answer?.(step, argument) ?? { kind: 'reply', text: usual };
    if (answer.kind === 'drop') this.#socket.destroy();
    if (answer.kind !== 'reply') return false;
    this.#write(answer.text);
    return /^[23]/.test(answer.text);
  }

  #write(reply: string): void {
    this.#socket.write(`${reply}\r\n`);
  }
}

/** RFC 5321 §4.5.2: a dot is removed from the start of each line. */
function unstuff(content: Buffer): Buffer {
  const pieces: Buffer[] = [];
  let from = 0;
  for (let dot = content.indexOf('\r\n.'); dot !== -1; dot = content.indexOf('\r\n.', from)) {
    pieces.push(content.subarray(from, dot + crlf.length));
    from = dot + crlf.length + 1;
  }
  return Buffer.concat([...pieces, content.subarray(from)]);
}
