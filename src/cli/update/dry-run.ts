/** `clamgate update --dry-run`: looks at all that can be looked at, and changes nothing. */
import type { Outcome } from './plan.ts';
import { DatabaseSteps } from './database-steps.ts';
import { EndpointSteps } from './endpoint-steps.ts';
import type { UpdateParts } from './parts.ts';

export interface Forecast {
  readonly about: string;
  readonly would: string;
  readonly advice: readonly string[];
  /** Whether an update would stop here. */
  readonly stops: boolean;
}

export async function forecast(parts: UpdateParts): Promise<Forecast[]> {
  const { config } = parts;
  const databases = new DatabaseSteps(parts);
  const look = await databases.look();
  const lines = [
    line('wait', `begin at a random time within ${config.windowMs / 1000} s`),
    line('bring', bringText(parts)),
    line('look', look.text, look),
    line('check', await checkText(parts, databases)),
  ];
  for (const address of parts.endpoints) {
    const steps = new EndpointSteps(parts, address);
    const measured = await steps.measure();
    const isStop = measured.outcome === 'refused';
    lines.push(
      line(
        address.name,
        `${measured.text}${isStop ? '' : loadText(parts, address.name)}`,
        measured,
      ),
    );
  }
  return lines;
}

function line(
  about: string,
  would: string,
  result: { readonly outcome?: Outcome; readonly advice?: readonly string[] } = {},
): Forecast {
  return { about, would, advice: result.advice ?? [], stops: result.outcome === 'refused' };
}

function bringText({ config }: UpdateParts): string {
  if (config.source === 'freshclam') return `run ${config.freshclam.join(' ')}`;
  if (config.source === 'none') return 'nothing: each loads what is in its directory';
  return `take what is new in ${config.deliveredDirectory ?? ''}`;
}

async function checkText({ config }: UpdateParts, databases: DatabaseSteps): Promise<string> {
  if (config.check === 'no') return 'not be checked ([update] check)';
  const obstacle = await databases.obstacle();
  if (obstacle === undefined) return `be loaded by ${config.clamd} in a process of its own first`;
  return `not be checked: ${obstacle}`;
}

function loadText({ config }: UpdateParts, endpoint: string): string {
  const unit = config.restart[endpoint];
  const how = unit === undefined ? 'told RELOAD' : `restarted (${unit})`;
  const waits = `${config.drainMsMax / 1000} s to drain, ${config.readyMsMax / 1000} s to load`;
  return `; drained, ${how}, given back when it is ready (at most ${waits})`;
}
