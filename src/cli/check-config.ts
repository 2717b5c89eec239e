/** `clamgate check-config`: whether the configuration can be used, and what in it is unwise. */
import { warnings } from '../daemon/config-warnings.ts';
import type { CliContext } from './context.ts';

/** @throws {ConfigError} naming every problem with its line. */
export async function checkConfig(context: CliContext): Promise<void> {
  const config = await context.config();
  const advice = warnings(config);
  const { file, listeners } = config;
  context.result({ file, ok: true, advice }, () => {
    const ways = listeners.map(
      ({ protocol, address, position, nextHop }) =>
        `  ${protocol} ${address} (${position}) -> ${nextHop}`,
    );
    const remarks = advice.map(({ severity, key, text }) => `${severity}: ${key}: ${text}`);
    return [`${file}: can be used`, ...ways, ...remarks].join('\n');
  });
}
