/** What a POST to the control endpoint does, by its path. */
import { endpointActions, type EndpointActions } from './control-endpoints.ts';
import { ledgerActions, type LedgerActions } from './control-ledger.ts';
import type { Page } from './control-page.ts';

/** What may be changed while the daemon runs. */
export interface Changeable {
  readonly ledger: LedgerActions;
  readonly endpoints: EndpointActions;
}

type Action = (changeable: Changeable, query: URLSearchParams) => Page | Promise<Page>;

/** Undefined where there is nothing to be done. */
export function actionAt(path: string): Action | undefined {
  const onLedger = ledgerActions.get(path);
  if (onLedger) return ({ ledger }, query) => onLedger(ledger, query);
  const onEndpoints = endpointActions.get(path);
  return onEndpoints && (({ endpoints }, query) => onEndpoints(endpoints, query));
}
