/** The daemon's side of an update, as docs say it answers: endpoints that can be drained and resumed. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

export interface FakeEndpoint {
  ok: boolean;
  state: string;
  inflight: number;
  draining: boolean;
}

export class FakeControl {
  /** What it was told, in order: 'drain NAME 120', 'resume NAME'. */
  readonly told: string[] = [];
  readonly endpoints = new Map<string, FakeEndpoint>();
  /** Called after each order. */
  onOrder: (order: string) => void = () => undefined;
  /** Answers orders with this status instead. */
  refuses: number | undefined;
  readonly #server: Server;

  private constructor(server: Server, names: readonly string[]) {
    this.#server = server;
    for (const name of names) {
      this.endpoints.set(name, { ok: true, state: 'ready', inflight: 0, draining: false });
    }
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      const [status, body] = this.#answer(request);
      response.writeHead(status, { 'content-type': 'application/json' }).end(body);
    });
  }

  static async start(path: string, names: readonly string[]): Promise<FakeControl> {
    const server = createServer();
    server.listen(path);
    await once(server, 'listening');
    return new FakeControl(server, names);
  }

  /** Orders without renewals: a drain of what is drained is left out. */
  get orders(): readonly string[] {
    const held = new Set<string>();
    return this.told.flatMap((order) => {
      const [verb = '', name = ''] = order.split(' ');
      if (verb === 'drain' && held.has(name)) return [];
      if (verb === 'drain') held.add(name);
      else held.delete(name);
      return [`${verb} ${name}`];
    });
  }

  isDrained(name: string): boolean {
    return this.endpoints.get(name)?.draining === true;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #answer({ method, url = '', headers }: IncomingMessage): [number, string] {
    const { pathname, searchParams } = new URL(url, 'http://control');
    if (method === 'GET' && pathname === '/status') return [200, this.#status()];
    const verb = /^\/endpoints\/(drain|resume)$/.exec(pathname)?.[1];
    if (verb === undefined || method !== 'POST') return [404, 'not here'];
    if (headers['x-clamgate'] !== '1') return [403, 'say x-clamgate: 1'];
    if (this.refuses !== undefined) return [this.refuses, 'not now'];
    return this.#order(verb, searchParams);
  }

  #order(verb: string, query: URLSearchParams): [number, string] {
    const name = query.get('endpoint') ?? '';
    const endpoint = this.endpoints.get(name);
    if (!endpoint) return [404, 'no such endpoint'];
    const seconds = query.get('for');
    this.told.push(seconds === null ? `${verb} ${name}` : `${verb} ${name} ${seconds}`);
    endpoint.draining = verb === 'drain';
    this.onOrder(verb);
    return [200, JSON.stringify({ endpoint: name, inflight: endpoint.inflight })];
  }

  #status(): string {
    const clamd = [...this.endpoints].map(([endpoint, facts]) => ({
      endpoint,
      detail: 'ClamAV 1.4.6/100/Thu Nov 20 2025',
      ...facts,
    }));
    return JSON.stringify({ version: '1.2.3', ready: true, clamd });
  }
}
