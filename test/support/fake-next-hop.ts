/**
 * A next hop for tests: a real server for SMTP or LMTP, on loopback or on a Unix socket, that keeps
 * what it was sent and can fail at each named step. It is written apart from src/, so that the two
 * cannot be wrong in the same way.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type Step =
  /** On accept, instead of the greeting. */
  | 'connect'
  | 'greeting'
  /** At a command line, whatever it says. */
  | 'command'
  | 'hello'
  | 'xforward'
  | 'mail'
  | 'rcpt'
  | 'data'
  /** At the first bytes behind 354. */
  | 'content'
  /** At the end of data; over LMTP once for each recipient. */
  | 'dot'
  | 'rset'
  | 'quit';

/**
 * stall: says nothing more. choke: nor reads any more, until `recover`. hold: goes on as usual, but
 * only after `recover`. drop: FIN. reset: RST. nonsense: a line that is not SMTP. Or another reply
 * than usual, its lines without the last CRLF; after a 421 it closes.
 */
export type Failure =
  'stall' | 'choke' | 'hold' | 'drop' | 'reset' | 'nonsense' | { readonly reply: string };

export interface FakeNextHopOptions {
  readonly flavour?: 'smtp' | 'lmtp';
  readonly socket?: 'tcp' | 'unix';
  /** Lines of the answer to EHLO. */
  readonly extensions?: readonly string[];
  /** Sends each octet of a reply on its own. */
  readonly octetwise?: boolean;
}

export interface FakePath {
  readonly address: string;
  /** As they were written, in their order. */
  readonly parameters: readonly string[];
}

export interface ReceivedMessage {
  /** The whole command: 'EHLO gate.example'. */
  readonly hello: string;
  /** XFORWARD attributes, undecoded, names in lower case. */
  readonly client: Readonly<Record<string, string>>;
  readonly reversePath: FakePath;
  /** Those that were accepted. */
  readonly recipients: readonly FakePath[];
  /** The message with dots unstuffed. */
  readonly content: Buffer;
  /** What came behind 354, up to and with the final dot. */
  readonly wire: Buffer;
  /** The answers to the final dot; none where it stalled or dropped. */
  readonly replies: readonly string[];
}

export const allExtensions: readonly string[] = [
  'PIPELINING',
  'SIZE 104857600',
  'ENHANCEDSTATUSCODES',
  '8BITMIME',
  'SMTPUTF8',
  'DSN',
  'XFORWARD NAME ADDR PROTO HELO PORT IDENT SOURCE',
];

interface Planned {
  readonly step: Step;
  readonly failure: Failure;
  skip: number;
  times: number;
}

export class FakeNextHop {
  readonly flavour: 'smtp' | 'lmtp';
  readonly extensions: readonly string[];
  readonly octetwise: boolean;
  /** Every connection that was ever accepted. */
  readonly connections: FakeConnection[] = [];
  /** Every message whose final dot came, whatever it was answered. */
  readonly messages: ReceivedMessage[] = [];
  /** How many planned failures have happened. */
  failed = 0;
  /** Commands that were sent before they might be (RFC 2920). */
  readonly tooEarly: string[] = [];
  readonly #server: Server;
  #directory: string | undefined;
  #plan: Planned[] = [];
  #watchers = new Set<() => void>();
  #recovery = Promise.withResolvers<undefined>();

  static async start(options: FakeNextHopOptions = {}): Promise<FakeNextHop> {
    const hop = new FakeNextHop(options);
    await hop.#listen(options.socket ?? 'tcp');
    return hop;
  }

  private constructor({ flavour, extensions, octetwise }: FakeNextHopOptions) {
    this.flavour = flavour ?? 'smtp';
    this.extensions = extensions ?? allExtensions;
    this.octetwise = octetwise ?? false;
    this.#server = createServer({ noDelay: true }, (socket) => {
      this.connections.push(new FakeConnection(this, socket));
      this.changed();
    });
  }

  /** As a configuration names it: '127.0.0.1:4711', 'lmtp:unix:/path'. */
  get address(): string {
    const at = this.#server.address() as AddressInfo | string;
    const where = typeof at === 'string' ? `unix:${at}` : `127.0.0.1:${at.port}`;
    return this.flavour === 'lmtp' ? `lmtp:${where}` : where;
  }

  /** Connections that are open now. */
  get open(): number {
    return this.connections.filter((connection) => connection.open).length;
  }

  /** All command lines in the order of their arrival. */
  get commands(): readonly string[] {
    return this.connections.flatMap((connection) => connection.commands);
  }

  /** Fails at `step`: after `skip` arrivals there, `times` times (for ever unless said). */
  at(step: Step, failure: Failure, { skip = 0, times = Infinity } = {}): this {
    this.#plan.push({ step, failure, skip, times });
    return this;
  }

  /** Forgets all planned failures, and lets go on what was choked or held. */
  recover(): void {
    this.#plan = [];
    for (const connection of this.connections) connection.resume();
    this.#recovery.resolve(undefined);
    this.#recovery = Promise.withResolvers();
  }

  /** For the connections: settles with the next `recover`. */
  get recovery(): Promise<unknown> {
    return this.#recovery.promise;
  }

  /** Says `bytes` on all open connections, asked or not. */
  speak(bytes: string): void {
    for (const connection of this.connections) connection.speak(bytes);
  }

  /** Closes all connections, as a smtpd under stress does, and waits until they are closed. */
  async hangUp(farewell?: string): Promise<void> {
    for (const connection of this.connections) connection.hangUp(farewell);
    await this.until(() => this.open === 0);
  }

  /** Settles when `condition` holds; looked at whenever something happens here. */
  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!condition()) return;
        this.#watchers.delete(look);
        resolve();
      };
      this.#watchers.add(look);
      look();
    });
  }

  /** Stops listening and closes what is open; the address then refuses connections. */
  async stop(): Promise<void> {
    for (const connection of this.connections) connection.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    if (this.#directory) await rm(this.#directory, { recursive: true });
  }

  /** For the connections: the failure that is planned for this arrival at `step`. */
  failureAt(step: Step): Failure | undefined {
    const [planned] = this.#plan.filter(
      (one) => one.step === step && one.times > 0 && one.skip-- <= 0,
    );
    if (planned === undefined) return undefined;
    planned.times--;
    this.failed++;
    return planned.failure;
  }

  /** For the connections: something happened. */
  changed(): void {
    for (const look of [...this.#watchers]) look();
  }

  async #listen(socket: 'tcp' | 'unix'): Promise<void> {
    if (socket === 'unix') this.#directory = await mkdtemp(join(tmpdir(), 'next-hop-'));
    const where = this.#directory
      ? { path: join(this.#directory, 'socket') }
      : { host: '127.0.0.1', port: 0 };
    await new Promise<void>((resolve) => this.#server.listen(where, resolve));
  }
}

interface Envelope {
  reversePath: FakePath;
  recipients: FakePath[];
}

class FakeConnection {
  open = true;
  readonly commands: string[] = [];
  /** What each read brought, in latin1. */
  readonly reads: string[] = [];
  readonly #hop: FakeNextHop;
  readonly #socket: Socket;
  #state: 'commands' | 'content' | 'deaf' = 'commands';
  #unread = '';
  /** What came behind 354, and the end of what was searched for the final dot. */
  #wire: string[] = [];
  #tail = '';
  #hello = '';
  #client: Record<string, string> = {};
  #envelope: Envelope | undefined;
  /** Octets of replies that wait for their turn. */
  #sending: Promise<unknown> = Promise.resolve();

  constructor(hop: FakeNextHop, socket: Socket) {
    this.#hop = hop;
    this.#socket = socket;
    socket.on('data', (bytes: Buffer) => {
      this.reads.push(bytes.toString('latin1'));
      this.#unread += bytes.toString('latin1');
      this.#read();
      hop.changed();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.open = false;
      hop.changed();
    });
    if (this.#passes('connect')) this.#answer('greeting', '220 fake ESMTP');
  }

  hangUp(farewell?: string): void {
    if (!this.open) return;
    if (farewell !== undefined) this.#send(farewell);
    this.#fail('drop');
  }

  speak(bytes: string): void {
    if (this.open) this.#socket.write(bytes);
  }

  resume(): void {
    this.#socket.resume();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #read(): void {
    while (this.#state !== 'deaf') {
      const advanced = this.#state === 'content' ? this.#readContent() : this.#readCommand();
      if (!advanced) return;
    }
  }

  #readCommand(): boolean {
    const end = this.#unread.indexOf('\r\n');
    if (end === -1) return false;
    const line = Buffer.from(this.#unread.slice(0, end), 'latin1').toString();
    this.#unread = this.#unread.slice(end + 2);
    this.commands.push(line);
    const verb = line.split(/[ :]/, 1)[0]?.toUpperCase() ?? '';
    const pipelining =
      this.#hop.extensions.includes('PIPELINING') && !this.#hello.startsWith('HELO');
    const endsGroup = !pipelining || /^(EHLO|LHLO|HELO|DATA|QUIT|NOOP)$/.test(verb);
    if (endsGroup && this.#unread !== '') this.#hop.tooEarly.push(this.#unread);
    if (this.#passes('command')) this.#obey(verb, line);
    return true;
  }

  #obey(verb: string, line: string): void {
    switch (verb) {
      case 'EHLO':
      case 'HELO':
      case 'LHLO':
        this.#helloCommand(verb, line);
        break;
      case 'XFORWARD':
        if (this.#envelope) this.#send('503 5.5.1 Error: MAIL transaction in progress');
        else if (this.#answer('xforward', '250 2.0.0 Ok')) this.#xforward(line);
        break;
      case 'MAIL':
        this.#mail(line);
        break;
      case 'RCPT':
        this.#rcpt(line);
        break;
      case 'DATA':
        this.#data();
        break;
      case 'RSET':
        this.#forget();
        this.#answer('rset', '250 2.0.0 Reset');
        break;
      case 'QUIT':
        if (this.#answer('quit', '221 2.0.0 Bye')) this.#fail('drop');
        break;
      default:
        this.#send('502 5.5.2 Error: command not recognized');
    }
  }

  #helloCommand(verb: string, line: string): void {
    if ((verb === 'LHLO') !== (this.#hop.flavour === 'lmtp')) {
      this.#send('500 5.5.1 Error: wrong protocol');
      return;
    }
    this.#hello = line;
    this.#forget();
    const lines = ['fake', ...(verb === 'HELO' ? [] : this.#hop.extensions)];
    const last = lines.length - 1;
    const reply = lines.map((text, index) => `250${index === last ? ' ' : '-'}${text}`);
    this.#answer('hello', reply.join('\r\n'));
  }

  #xforward(line: string): void {
    for (const word of line.split(' ').slice(1)) {
      const [name = '', ...value] = word.split('=');
      this.#client[name.toLowerCase()] = value.join('=');
    }
  }

  #mail(line: string): void {
    if (this.#hello === '') this.#send('503 5.5.1 Error: send HELO/EHLO first');
    else if (this.#envelope) this.#send('503 5.5.1 Error: nested MAIL command');
    else if (this.#answer('mail', '250 2.1.0 Ok')) {
      this.#envelope = { reversePath: pathOf(line), recipients: [] };
    }
  }

  #rcpt(line: string): void {
    if (!this.#envelope) this.#send('503 5.5.1 Error: need MAIL command');
    else if (this.#answer('rcpt', '250 2.1.5 Ok')) this.#envelope.recipients.push(pathOf(line));
  }

  #data(): void {
    if (!this.#envelope?.recipients.length) this.#send('503 5.5.1 Error: need RCPT command');
    else if (this.#answer('data', '354 End data with <CR><LF>.<CR><LF>')) {
      this.#state = 'content';
      this.#wire = [];
      this.#tail = '\r\n';
    }
  }

  #readContent(): boolean {
    if (this.#unread === '') return false;
    if (this.#wire.length === 0 && !this.#passes('content')) {
      this.#state = 'deaf';
      return false;
    }
    const seen = this.#tail + this.#unread;
    const found = seen.indexOf('\r\n.\r\n');
    const end = found === -1 ? this.#unread.length : found + 5 - this.#tail.length;
    this.#wire.push(this.#unread.slice(0, end));
    this.#unread = this.#unread.slice(end);
    this.#tail = seen.slice(-4);
    if (found !== -1) this.#receive(this.#wire.join(''));
    return found !== -1;
  }

  #receive(wire: string): void {
    const { reversePath, recipients } = this.#envelope ?? {
      reversePath: pathOf(''),
      recipients: [],
    };
    this.#state = 'commands';
    const unstuffed = wire.slice(0, -3).replace(/(^|\r\n)\./g, '$1');
    const replies: string[] = [];
    this.#hop.messages.push({
      hello: this.#hello,
      client: { ...this.#client },
      reversePath,
      recipients,
      content: Buffer.from(unstuffed, 'latin1'),
      wire: Buffer.from(wire, 'latin1'),
      replies,
    });
    const usual = `250 2.0.0 Ok: queued as FAKE${this.#hop.messages.length}`;
    this.#forget();
    for (let due = this.#hop.flavour === 'lmtp' ? recipients.length : 1; due > 0; due--) {
      const said = this.#answer('dot', usual);
      if (said === undefined) return;
      replies.push(said);
    }
  }

  #forget(): void {
    this.#envelope = undefined;
    this.#client = {};
  }

  /** Whether the connection goes on after `step`, where there is no usual reply. */
  #passes(step: Step): boolean {
    const failure = this.#hop.failureAt(step);
    if (failure !== undefined) this.#fail(failure);
    return failure === undefined;
  }

  /** @returns what was said when it grants the step; at the dot whatever was said. */
  #answer(step: Step, usual: string): string | undefined {
    const failure = this.#hop.failureAt(step);
    if (failure === 'hold') this.#wait(this.#hop.recovery);
    const usually = failure === undefined || failure === 'hold';
    if (usually) this.#send(usual);
    else this.#fail(failure);
    if (typeof failure === 'object' && step === 'dot') return failure.reply;
    return usually ? usual : undefined;
  }

  #fail(failure: Failure): void {
    if (failure === 'nonsense') this.#send('Hello, this is not SMTP');
    else if (typeof failure === 'object') this.#send(failure.reply);
    if (typeof failure === 'object' && !failure.reply.startsWith('421')) return;
    if (failure !== 'nonsense') this.#state = 'deaf';
    if (failure === 'choke') this.#socket.pause();
    if (failure === 'reset') this.#reset();
    else if (failure === 'drop' || typeof failure === 'object') this.#close();
  }

  /** Lets what is said from now on wait for `event`. */
  #wait(event: Promise<unknown>): void {
    this.#sending = this.#sending.then(() => event);
  }

  #reset(): void {
    this.#sending = this.#sending.then(() => {
      // A Unix socket knows no RST.
      if (this.#socket.localAddress === undefined) this.#socket.destroy();
      else this.#socket.resetAndDestroy();
    });
  }

  #close(): void {
    this.#sending = this.#sending.then(() => this.#socket.end());
  }

  #send(reply: string): void {
    const bytes = Buffer.from(`${reply}\r\n`);
    const pieces = this.#hop.octetwise ? Array.from(bytes, (octet) => Buffer.of(octet)) : [bytes];
    for (const piece of pieces) {
      this.#sending = this.#sending.then(() => {
        if (this.#socket.writable) this.#socket.write(piece);
        return new Promise((resolve) => setImmediate(resolve));
      });
    }
  }
}

function pathOf(line: string): FakePath {
  const [, address = '', rest = ''] = /<(.*?)>(.*)$/.exec(line) ?? [];
  return { address, parameters: rest.split(' ').filter(Boolean) };
}
