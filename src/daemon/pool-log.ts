/** What is logged of the clamds, each change once. */
import type { FileSize } from '../scan/known-limits.ts';
import type { EndpointStatus } from '../scan/endpoint-status.ts';
import type { EndpointState } from '../scan/endpoint-state.ts';
import type { LimitAlerts } from '../scan/limits-canary.ts';
import type { PoolEvent } from '../scan/pool-settings.ts';
import type { Log } from './log.ts';

export function logPoolEvent(log: Log, event: PoolEvent): void {
  switch (event.kind) {
    case 'state':
      logState(log, event.endpoint, event.was);
      return;
    case 'alerts':
      logAlerts(log, event.endpoint, event.alerts);
      return;
    case 'file-size':
      logFileSize(log, event.endpoint, event.fileSize);
      return;
    case 'draining': {
      const { endpoint, on } = event;
      log.info(on ? 'clamd-draining' : 'clamd-resumed', { endpoint });
      return;
    }
    case 'old-signatures': {
      const { endpoint, on, detail } = event;
      if (on) log.warn('clamd-signatures-old', { endpoint, detail });
      else log.info('clamd-signatures-fresh', { endpoint, detail });
      return;
    }
    case 'skew':
      if (event.on) log.warn('clamd-skew', { detail: event.detail });
      else log.info('clamd-skew-over', { detail: event.detail });
      return;
    case 'storm':
      if (event.on) log.warn('storm', { detail: event.detail });
      else log.info('storm-over');
  }
}

function logState(log: Log, status: EndpointStatus, was: EndpointState | undefined): void {
  const { endpoint, state, detail } = status;
  const fields = { endpoint, state, was, detail };
  if (state === 'ready') log.info('clamd', fields);
  else if (state === 'lying') log.error('clamd-lying', fields);
  else log.warn('clamd-unavailable', fields);
}

function logAlerts(log: Log, endpoint: string, alerts: LimitAlerts): void {
  if (alerts === 'on') log.info('clamd-limits', { endpoint, alerts });
  else log.warn('clamd-limits', { endpoint, alerts, detail: silenceText });
}

function logFileSize(log: Log, endpoint: string, { upTo, bytes, isShown }: FileSize): void {
  if (bytes >= upTo) return;
  const detail = isShown
    ? `it does not look at files of more than about ${bytes} bytes (MaxFileSize, MaxScanSize), which are ` +
      `taken for not scanned: set that in its clamd.conf to ${upTo}, or [clamd] max_file_size to what it has`
    : `it has not answered up to which size it looks at files, so those of more than ${bytes} bytes are ` +
      'taken for not scanned until it does: let its clamd.conf be read, or set AlertExceedsMax yes there';
  log.warn('clamd-file-size', { endpoint, bytes, detail });
}

const silenceText =
  'what it does not look at inside archives, PDFs and office documents it calls clean, and such mail ' +
  'is passed as [rules] limits_silent says: set AlertExceedsMax yes in its clamd.conf';
