import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'smol-toml';
import { parseConfig } from '../../src/daemon/config.ts';
import { shapes } from '../../src/daemon/config-schema.ts';
import { warnings } from '../../src/daemon/config-warnings.ts';

const example = readFileSync(new URL('../../clamgate.example.toml', import.meta.url), 'utf8');
/** Of other kinds of listeners, which the first table cannot have. */
const ofOthers = ['quarantine', 'waiting_level', 'min_free'];
/** With the keys that have no default set as well. */
const whole = example.replace(/^#(?=\w+ = |\[\[)/gm, '');
const usable = whole.replace(new RegExp(`^(?:${ofOthers.join('|')}) = .*$`, 'gm'), '');

const minimal = `[[listener]]
protocol = "smtp"
address = "127.0.0.1:10024"
next_hop = "127.0.0.1:10025"
`;

describe('clamgate.example.toml', () => {
  test('has listeners of other kinds in its comments, whose keys are as without them', () => {
    for (const protocol of ['milter', 'policy']) {
      const [table = ''] =
        new RegExp(`#   \\[\\[listener\\]\\]\n#   protocol = "${protocol}"\n.*\n`).exec(example) ??
        [];
      const own = ofOthers.filter((key) => (key === 'quarantine') === (protocol === 'milter'));
      const keys = own.map((key) => new RegExp(`^#(${key} = .*)$`, 'm').exec(example)?.[1] ?? '');
      const bare = table.replaceAll(/^# {3}/gm, '');
      expect(parseConfig(`${bare}${keys.join('\n')}`, 'f')).toEqual(parseConfig(bare, 'f'));
    }
  });

  test('sets every key to its default', () => {
    expect(parseConfig(example, 'f')).toStrictEqual(parseConfig(minimal, 'f'));
  });

  test('works with the other keys set too', () => {
    expect(parseConfig(usable, 'f').quarantine.noticeTo).toBe('postmaster@example.org');
  });

  test('has the keys of the schema, all of them and no others', () => {
    const { listener, banned, ...content } = parse(whole) as Record<string, object>;
    const first = (tables: object | undefined): object => (tables as object[])[0] ?? {};
    const some = { ...content, listener: first(listener), banned: first(banned) };
    const tables = Object.entries(some);
    const written = tables.flatMap(([name, value]) =>
      typeof value === 'object' ? Object.keys(value).map((key) => `${name}.${key}`) : [`.${name}`],
    );
    const known = Object.entries(shapes).flatMap(([name, shape]) =>
      Object.keys(shape).map((key) => `${name}.${key}`),
    );
    expect(written.sort()).toEqual(known.sort());
  });

  test('says something about every key or group of keys', () => {
    const lines = example.split('\n');
    const undocumented = lines.filter((line, at) => {
      const isKey = /^#?\w+ = /.test(line);
      return isKey && /^(|\[.*)$/.test(lines[at - 1] ?? '');
    });
    expect(undocumented).toEqual([]);
  });

  test('has nothing unwise in it', () => {
    const advice = warnings(parseConfig(example, 'f'));
    expect(advice.filter(({ severity }) => severity === 'warning')).toEqual([]);
  });
});
