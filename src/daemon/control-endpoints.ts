/**
 * What can be changed over the control endpoint about single clamds: one is given nothing new for a
 * while, so that it can be updated or restarted, and then mail again.
 */
import type { EndpointStatus } from '../scan/endpoint-status.ts';
import { json, text, type Page } from './control-page.ts';

export interface EndpointActions {
  /** @returns undefined where there is no such endpoint. */
  drain(endpoint: string, forMs: number): EndpointStatus | undefined;
  /** @returns undefined where there is no such endpoint. */
  resume(endpoint: string): EndpointStatus | undefined;
}

/** Whoever drains says so again in time; an updater that has died leaves nothing drained. */
const leaseSecondsMax = 14_400;

type Action = (endpoints: EndpointActions, query: URLSearchParams) => Page;

export const endpointActions: ReadonlyMap<string, Action> = new Map<string, Action>([
  ['/endpoints/drain', drain],
  ['/endpoints/resume', resume],
]);

function drain(endpoints: EndpointActions, query: URLSearchParams): Page {
  const wrong = unknownIn(query, ['endpoint', 'for']);
  if (wrong) return wrong;
  const seconds = Number(query.get('for') ?? '');
  if (!(Number.isInteger(seconds) && seconds >= 1 && seconds <= leaseSecondsMax)) {
    return text(400, `for must be a number of seconds from 1 to ${leaseSecondsMax}`);
  }
  const name = query.get('endpoint') ?? '';
  return told(name, endpoints.drain(name, seconds * 1000));
}

function resume(endpoints: EndpointActions, query: URLSearchParams): Page {
  const wrong = unknownIn(query, ['endpoint']);
  if (wrong) return wrong;
  const name = query.get('endpoint') ?? '';
  return told(name, endpoints.resume(name));
}

function told(name: string, status: EndpointStatus | undefined): Page {
  if (!status) return text(404, `no endpoint of [clamd] is called '${name}'`);
  const { endpoint, inflight } = status;
  return json(200, { endpoint, inflight });
}

function unknownIn(query: URLSearchParams, known: readonly string[]): Page | undefined {
  const unknown = [...query.keys()].find((key) => !known.includes(key));
  return unknown === undefined ? undefined : text(400, `${unknown} is not known here`);
}
