/**
 * What can be changed over the control endpoint: the ledger, which only the daemon may write to
 * while it runs. `clamgate ledger` asks for it.
 */
import type { HandSettled, HandSettlement } from '../engine/hand-settlement.ts';
import { OperationalError } from '../errors.ts';
import { json, text, type Page } from './control-page.ts';

/** Bytes on the disk. */
export interface Compacted {
  readonly before: number;
  readonly after: number;
}

export interface LedgerActions {
  /** @throws {OperationalError} STORE */
  settle(order: HandSettlement): Promise<HandSettled>;
  /** @throws {OperationalError} STORE */
  compact(): Promise<Compacted>;
}

type Action = (ledger: LedgerActions, query: URLSearchParams) => Promise<Page>;

export const ledgerActions: ReadonlyMap<string, Action> = new Map<string, Action>([
  ['/ledger/settle', (ledger, query) => carryOut(() => settle(ledger, query))],
  ['/ledger/compact', (ledger) => carryOut(async () => json(200, await ledger.compact()))],
]);

async function carryOut(action: () => Page | Promise<Page>): Promise<Page> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof OperationalError) return text(503, error.message);
    throw error;
  }
}

const known = ['attempt', 'state', 'recipient'];

async function settle(ledger: LedgerActions, query: URLSearchParams): Promise<Page> {
  const unknown = [...query.keys()].find((name) => !known.includes(name));
  if (unknown !== undefined) return text(400, `${unknown} is not known here`);
  const [attempt, state] = [query.get('attempt'), query.get('state')];
  if (attempt === null) return text(400, 'attempt is missing');
  if (state !== 'delivered' && state !== 'aborted') {
    return text(400, 'state must be delivered or aborted');
  }
  const recipients = query.getAll('recipient');
  const order = { attempt, state, ...(recipients.length > 0 && { recipients }) } as const;
  return json(200, await ledger.settle(order));
}
