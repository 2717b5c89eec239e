/** What each path of the control endpoint answers. Reading only: nothing can be changed here. */
import type { History } from './history.ts';
import { escapeControls } from './log-text.ts';
import type { Metrics } from './metrics.ts';
import type { StatusReport } from './control-status.ts';

export interface ControlSources {
  readonly report: StatusReport;
  readonly metrics: Metrics;
  readonly history: History;
}

export interface Page {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

type Route = (sources: ControlSources, query: URLSearchParams) => Page | Promise<Page>;

const routes: ReadonlyMap<string, Route> = new Map<string, Route>([
  ['/healthz', () => text(200, 'ok')],
  ['/readyz', readiness],
  ['/status', async ({ report }) => json(200, await report.status())],
  ['/metrics', metrics],
  ['/transactions', transactions],
]);

/** @param target of the request: path and query. */
export async function answer(target: string, sources: ControlSources): Promise<Page> {
  const [path = '', query = ''] = target.split(/\?(.*)/s);
  const route = routes.get(path);
  if (route) return route(sources, new URLSearchParams(query));
  return text(404, `not here; there is ${[...routes.keys()].join(', ')}`);
}

export function text(status: number, body: string): Page {
  return { status, contentType: 'text/plain; charset=utf-8', body: `${body}\n` };
}

function json(status: number, value: unknown): Page {
  const body = escapeControls(JSON.stringify(value));
  return { status, contentType: 'application/json', body: `${body}\n` };
}

async function readiness({ report }: ControlSources): Promise<Page> {
  const { ready, reasons } = await report.status();
  return ready ? text(200, 'ready') : text(503, reasons.join('\n'));
}

async function metrics(sources: ControlSources): Promise<Page> {
  const { version, load, clamd, quarantine } = await sources.report.status();
  const gauges = { version, ...load, clamd, ...(quarantine && { quarantine }) };
  const { contentType, text: body } = await sources.metrics.exposition(gauges);
  return { status: 200, contentType, body };
}

const limitDefault = 20;
const limitMax = 1000;
const known = ['id', 'message-id', 'queue-id', 'limit'];

function transactions({ history }: ControlSources, query: URLSearchParams): Page {
  const unknown = [...query.keys()].find((key) => !known.includes(key));
  if (unknown !== undefined) return text(400, `unknown: ${unknown}; known are ${known.join(', ')}`);
  const limit = Number(query.get('limit') ?? limitDefault);
  if (!(Number.isInteger(limit) && limit >= 1 && limit <= limitMax)) {
    return text(400, `limit must be a number from 1 to ${limitMax}`);
  }
  const keys = {
    ...given('id', query.get('id')),
    ...given('messageId', query.get('message-id')),
    ...given('queueId', query.get('queue-id')),
  };
  return json(200, { transactions: history.find(keys, limit) });
}

function given(key: string, value: string | null): Record<string, string> {
  return value === null ? {} : { [key]: value };
}
