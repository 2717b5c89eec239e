/** Our configuration: it is accepted, or every problem is named with a line that exists. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ConfigError } from '../../../src/daemon/config-error.ts';
import { type Config, parseConfig } from '../../../src/daemon/config.ts';
import { tomlWith } from '../../support/config-file.ts';
import { holds, latin1, type Target, usualBounds } from '../target.ts';

const lines = [
  '[clamd]\n',
  'endpoints = ["unix:/run/c.ctl"]\n',
  'max_file_size = "25M"\n',
  'inflight_max = 4\n',
  '[limits]\n',
]
  .concat([
    'deadline_ms = "300s"\n',
    'scan_ms = 10\n',
    'parts_max = 9\n',
    '[rules]\n',
    'infected = "reject"\n',
    'limits_silent = "tag"\n',
  ])
  .concat([
    '[[banned]]\n',
    'name = "x"\n',
    'names = ["*.exe"]\n',
    'tricks = ["double-extension"]\n',
    'types = ["a/b"]\n',
  ])
  .concat([
    '[quarantine]\n',
    'directory = "/q"\n',
    'max_age = "30d"\n',
    '[ledger]\n',
    'file = "/l"\n',
    '[log]\n',
    'format = "text"\n',
  ])
  .concat([
    '[commit]\n',
    'address = "unix:/c"\n',
    '[control]\n',
    'address = "127.0.0.1:1"\n',
    '[header]\n',
    'virus_scanned = false\n',
  ])
  .concat([
    '[cache]\n',
    'enabled = true\n',
    '[spool]\n',
    'hostname = "h.example"\n',
    '[[listener]]\n',
    'xforward_from = ["10.0.0.0/8"]\n',
  ]);
const tokens = [
  '"',
  "'",
  '"""',
  "'''",
  '[',
  ']',
  '[[',
  ']]',
  '{',
  '}',
  ',',
  '.',
  '=',
  '#',
  '\n',
  '\r\n',
  '\\u0041',
  '\\e',
  '1e9',
].concat([
  '0x7f',
  '-1',
  'nan',
  'inf',
  'true',
  '1979-05-27',
  '_',
  'a.b.c',
  ' ',
  '\t',
  '__proto__',
  'constructor',
  '\0',
  '\xff',
]);

function check(input: Buffer): void {
  const text = input.toString('utf8');
  const count = text.split('\n').length;
  let config: Config;
  try {
    config = parseConfig(text, 'f.toml');
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    holds(error.problems.length > 0, 'something is named');
    for (const { line, message } of error.problems) {
      holds(message !== '', 'what is wrong is said');
      holds(line === undefined || (line >= 1 && line <= count), `line ${line} of ${count}`);
    }
    return;
  }
  holds(Object.isFrozen(config), 'nobody changes it');
  holds(config.listeners.length > 0, 'it has a listener');
  for (const value of Object.values(config.limits))
    holds(Number.isSafeInteger(value), 'a limit is a number');
  assert.deepEqual(parseConfig(text, 'f.toml'), config, 'always the same');
}

export const config: Target = {
  ...usualBounds,
  name: 'config',
  bufferBytesMax: (inputBytes) => 16 * inputBytes + 64 * 1024,
  stepsMax: (inputBytes) => 20_000 * inputBytes + 2_000_000,
  tokens: [...lines, ...tokens],
  valid: fc
    .array(fc.constantFrom(...lines), { maxLength: 10 })
    .map((some) => latin1(tomlWith(some.join('')))),
  check,
};
