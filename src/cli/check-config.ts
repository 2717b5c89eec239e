/** `clamgate check-config`: whether the configuration can be used, and what in it is unwise. */
import type { Config } from '../daemon/config.ts';
import type { ListenerConfig } from '../daemon/config-listener.ts';
import { ConfigError } from '../daemon/config-error.ts';
import type { CliContext } from './context.ts';
import { exitCodes } from './exit-codes.ts';

export async function checkConfig(context: CliContext): Promise<void> {
  try {
    await tell(context, await context.config());
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const { file, message, problems } = error;
    context.note(`clamgate: ${message}`);
    if (context.json) context.result({ file, ok: false, error: message, problems }, () => '');
    context.exitCode = exitCodes.config;
  }
}

async function tell(context: CliContext, config: Config): Promise<void> {
  const advice = await context.advice(config);
  const { file, listeners } = config;
  context.result({ file, ok: true, advice }, () => {
    const ways = listeners.map(
      (listener) => `  ${listener.protocol} ${listener.address} ${wayOf(listener)}`,
    );
    const remarks = advice.map(({ severity, key, text }) => `${severity}: ${key}: ${text}`);
    return [`${file}: can be used`, ...ways, ...remarks].join('\n');
  });
}

function wayOf(listener: ListenerConfig): string {
  if (listener.protocol === 'milter') return `(quarantine: ${listener.quarantine})`;
  if (listener.protocol === 'policy') return '(policy service)';
  return `(${listener.position}) -> ${listener.nextHop}`;
}
