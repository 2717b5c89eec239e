/** What may not stand in [update], and where that is said. */
import { expect, test } from '@jest/globals';
import { ConfigError } from '../../src/daemon/config-error.ts';
import { parseConfig } from '../../src/daemon/config.ts';
import { tomlWith } from '../support/config-file.ts';

const two = '[clamd]\nendpoints = ["unix:/a", "unix:/b"]\n[update]\n';

test.each([
  ['a source there is none of', 'source = "rsync"', '[update] source: must be "freshclam" or'],
  ['no program', 'freshclam = []', '[update] freshclam: must not be empty'],
  ['an order of others', 'order = ["unix:/c"]', '[update] order item 1: "unix:/c" is not one of'],
  ['an order twice', 'order = ["unix:/a", "unix:/a"]', 'order item 2: "unix:/a" is named twice'],
  [
    'a unit for none',
    'restart = { "unix:/c" = "c.service" }',
    '[update] restart: "unix:/c" is not',
  ],
  [
    'no table',
    'restart = "clamav-daemon.service"',
    '[update] restart: must be a table of endpoints',
  ],
  ['an option of systemctl', 'restart = { "unix:/a" = "--force.service" }', 'must be a table of'],
  [
    'no unit',
    'restart = { "unix:/a" = "clamav daemon" }',
    'must be a table of endpoints and units',
  ],
  ['delivered from nowhere', 'source = "delivered"', '[update] source: "delivered" needs'],
  [
    'one directory',
    'delivered_directory = "/var/lib/clamav"',
    'delivered_directory: must be another',
  ],
  ['no time', 'ready_time = "0s"', '[update] ready_time: must be a duration'],
  ['no path', 'state_directory = "state"', '[update] state_directory: must be an absolute path'],
])('%s', (_, line, words) => {
  expect(() => parseConfig(tomlWith(two + line), 'f')).toThrow(ConfigError);
  expect(() => parseConfig(tomlWith(two + line), 'f')).toThrow(words);
});

test.each(['clamav-daemon.service', 'clamd@scan.service', 'clamd@a\\x2db.service'])(
  'a unit may be called %s',
  (unit) => {
    const { update } = parseConfig(tomlWith(`${two}restart = { "unix:/b" = '${unit}' }`), 'f');
    expect(update.restart).toEqual({ 'unix:/b': unit });
  },
);
