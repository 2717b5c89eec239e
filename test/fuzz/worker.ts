/** A search in a thread of its own, which whoever watches it can end from outside. */
import { parentPort, workerData } from 'node:worker_threads';
import { Campaign } from './campaign.ts';
import { corpusOf } from './corpus.ts';
import { targetNamed } from './targets.ts';
import { Watched } from './watched.ts';

export interface Task {
  readonly target: string;
  readonly seed: number;
  /** By coverage. */
  readonly isGuided: boolean;
  /** It ends after so many inputs, or so much time. */
  readonly executionsMax: number;
  readonly msMax: number;
  readonly watched: SharedArrayBuffer;
}

export type Message =
  | { readonly kind: 'needed'; readonly inputs: readonly Uint8Array[] }
  | { readonly kind: 'kept'; readonly input: Uint8Array }
  | { readonly kind: 'failed'; readonly input: Uint8Array; readonly text: string }
  | Progress;

export interface Progress {
  readonly kind: 'progress' | 'over';
  readonly executions: number;
  readonly covered: number;
  readonly digest: string;
}

const progressMs = 1000;

function search({ target, seed, isGuided, executionsMax, msMax, watched }: Task): void {
  const watch = new Watched(watched);
  const campaign = new Campaign(
    targetNamed(target),
    { seed, isGuided },
    {
      begins: (input) => {
        watch.begins(input);
      },
      kept: (input) => {
        tell({ kind: 'kept', input });
      },
      failed: (failure) => {
        tell({ kind: 'failed', ...failure });
      },
    },
  );
  const inputs = campaign.start(corpusOf(target).map(({ bytes }) => bytes));
  tell({ kind: 'needed', inputs });
  const began = performance.now();
  let told = began;
  while (campaign.executions < executionsMax && performance.now() - began < msMax) {
    campaign.batch();
    if (campaign.isBroken) break;
    if (performance.now() - told < progressMs) continue;
    told = performance.now();
    tell({ kind: 'progress', ...figures(campaign) });
  }
  tell({ kind: 'over', ...figures(campaign) });
  campaign.stop();
}

function figures({ executions, covered, digest }: Campaign): Omit<Progress, 'kind'> {
  return { executions, covered, digest };
}

function tell(message: Message): void {
  parentPort?.postMessage(message);
}

search(workerData as Task);
