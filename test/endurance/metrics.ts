/** What the daemon's own metrics tell of it. */
import { request } from 'node:http';
import { text } from 'node:stream/consumers';

export interface Told {
  readonly heapBytes: number;
  readonly atWork: number;
}

/** @param address unix:/path of the control endpoint. */
export async function metricsOf(address: string): Promise<Told> {
  const metrics = await page(address.replace(/^unix:/, ''), '/metrics');
  return {
    heapBytes: valueOf(metrics, 'nodejs_heap_size_used_bytes'),
    atWork: valueOf(metrics, 'clamgate_transactions'),
  };
}

function page(socketPath: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    request({ socketPath, path }, (answer) => {
      text(answer).then(resolve, reject);
    })
      .on('error', reject)
      .end();
  });
}

function valueOf(metrics: string, name: string): number {
  const value = new RegExp(`^${name} (\\S+)$`, 'm').exec(metrics)?.[1];
  if (value === undefined) throw new Error(`the metrics do not tell ${name}`);
  return Number(value);
}
