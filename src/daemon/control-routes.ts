/**
 * What each path of the control endpoint answers. Reading only: what changes something is in
 * control-actions.ts.
 */
import type { History } from './history.ts';
import { json, text, type Page } from './control-page.ts';
import type { Metrics } from './metrics.ts';
import type { StatusReport } from './control-status.ts';

export interface ControlSources {
  readonly report: StatusReport;
  readonly metrics: Metrics;
  readonly history: History;
}

type Route = (sources: ControlSources, query: URLSearchParams) => Page | Promise<Page>;

const routes: ReadonlyMap<string, Route> = new Map<string, Route>([
  ['/healthz', () => text(200, 'ok')],
  ['/readyz', readiness],
  ['/status', async ({ report }) => json(200, await report.status())],
  ['/metrics', metrics],
  ['/transactions', transactions],
]);

/** @param path of the request. */
export async function answer(
  path: string,
  query: URLSearchParams,
  sources: ControlSources,
): Promise<Page> {
  const route = routes.get(path);
  if (route) return route(sources, query);
  return text(404, `not here; there is ${[...routes.keys()].join(', ')}`);
}

async function readiness({ report }: ControlSources): Promise<Page> {
  const { ready, reasons } = await report.status();
  return ready ? text(200, 'ready') : text(503, reasons.join('\n'));
}

async function metrics(sources: ControlSources): Promise<Page> {
  const { version, load, quarantine, ledger } = await sources.report.status();
  const kept = { ...(quarantine && { quarantine }), ...(ledger && { ledger }) };
  const { clamd, scanning } = sources.report;
  const gauges = { version, ...load, clamd, scanning, ...kept };
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
