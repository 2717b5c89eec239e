/** A control endpoint on a Unix socket over a daemon that is only pretended. */
import { Control } from '../../src/daemon/control.ts';
import type { EndpointActions } from '../../src/daemon/control-endpoints.ts';
import type { LedgerActions } from '../../src/daemon/control-ledger.ts';
import { StatusReport, type StatusSources } from '../../src/daemon/control-status.ts';
import { History } from '../../src/daemon/history.ts';
import { Metrics } from '../../src/daemon/metrics.ts';
import { FakeClock } from './fake-clock.ts';
import { aStatus, someLoad } from './pool.ts';

export interface TestControl {
  readonly control: Control;
  /** What /transactions shows. */
  readonly history: History;
}

const ready: StatusSources = {
  version: '1.2.3',
  started: 0,
  listening: () => ['127.0.0.1:10024'],
  stopping: () => false,
  load: () => ({ sessions: 3, transactions: 2, waiting: 1 }),
  clamd: () => [aStatus({ detail: 'ClamAV 1.4' })],
  scanning: () => someLoad,
  quarantine: () => Promise.resolve({ messages: 5, bytes: 1024 }),
  ledger: () => Promise.resolve({ usable: true, unsettled: 7, inDoubt: 2, bytes: 40_960 }),
  ledgerProblem: () => undefined,
};

/** A ledger that nothing can be done to. */
const noActions: LedgerActions = {
  settle: () => Promise.resolve({ kind: 'nothing-open' }),
  compact: () => Promise.resolve({ before: 0, after: 0 }),
};

/** No endpoint is known. */
const noEndpoints: EndpointActions = { drain: () => undefined, resume: () => undefined };

export async function startControl(
  path: string,
  change: Partial<StatusSources> = {},
  ledger = noActions,
): Promise<TestControl> {
  const history = new History(100);
  const report = new StatusReport({ ...ready, ...change }, new FakeClock());
  const control = new Control({
    sources: { report, metrics: new Metrics(), history },
    changeable: { ledger, endpoints: noEndpoints },
    onFault: (error) => {
      throw error;
    },
  });
  await control.open(`unix:${path}`);
  return { control, history };
}
