import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { stringify } from 'smol-toml';
import { locateKeys, type KeyPath } from '../../src/daemon/config-lines.ts';

const text = `# a comment with [table] and key = 1
top = "a # no comment [nor] table = 'x'" # one
"quoted.key" = 1
'lit"eral' = 2
"esc\\u0061\\tped" = 3
dotted . "in the" . middle = 4
multi = """
not = "a key"
[not.a.table]
\\""" still """"
literal = '''
not = 2
''''
list = [
  1, # one ]
  "two ]",
  [3, { inner = 'x', other.deep = 5 }],
]
inline = { a = 1, b = { c = "}" } }

[table]  # the table
key = 1979-05-27 07:32:00
[ table . sub ]
key=1.5

[[listener]]
address = "one"
[listener.extra]
key = true
[[listener.points]]
x = 1
[[listener.points]]
x = 2

[[listener]]
address = "two"
[[listener.points]]
x = 3
[last]`;

describe('the line of a key', () => {
  test.each<[KeyPath, number]>([
    [['top'], 2],
    [['quoted.key'], 3],
    [['lit"eral'], 4],
    [['esca\tped'], 5],
    [['dotted'], 6],
    [['dotted', 'in the', 'middle'], 6],
    [['multi'], 7],
    [['literal'], 11],
    [['list'], 14],
    [['list', 0], 15],
    [['list', 1], 16],
    [['list', 2], 17],
    [['list', 2, 1, 'inner'], 17],
    [['list', 2, 1, 'other', 'deep'], 17],
    [['inline', 'b', 'c'], 19],
    [['table'], 21],
    [['table', 'key'], 22],
    [['table', 'sub', 'key'], 24],
    [['listener'], 26],
    [['listener', 0], 26],
    [['listener', 0, 'address'], 27],
    [['listener', 0, 'extra', 'key'], 29],
    [['listener', 0, 'points', 0, 'x'], 31],
    [['listener', 0, 'points', 1, 'x'], 33],
    [['listener', 1, 'address'], 36],
    [['listener', 1, 'points', 0, 'x'], 38],
    [['last'], 39],
  ])('%j is on line %d', (path, line) => {
    expect(locateKeys(text)(path)).toBe(line);
    expect(locateKeys(text.replaceAll('\n', '\r\n'))(path)).toBe(line);
  });

  test.each<[KeyPath, number | undefined]>([
    [['table', 'absent'], 21],
    [['listener', 1, 'absent'], 35],
    [['not'], undefined],
    [[], undefined],
  ])('what is not written, %j, is at the table around it: %s', (path, line) => {
    expect(locateKeys(text)(path)).toBe(line);
  });

  const keyText = fc.string({ minLength: 1, maxLength: 6 }).filter((key) => key !== '__proto__');
  const leaf = fc.oneof(
    fc.integer(),
    fc.string(),
    fc.boolean(),
    fc.array(fc.string(), { maxLength: 3 }),
  );
  const { table } = fc.letrec<{ table: Record<string, unknown> }>((tie) => ({
    table: fc.dictionary(
      keyText,
      fc.oneof(
        { maxDepth: 3 },
        leaf,
        fc.array(tie('table'), { minLength: 1, maxLength: 2 }),
        tie('table'),
      ),
      { maxKeys: 3 },
    ),
  }));

  test('each key of any table is on the line that ends with its value', () => {
    fc.assert(
      fc.property(table, (content) => {
        const marked = markLeaves(content);
        const toml = stringify(marked.content);
        const lines = toml.split('\n');
        const lineOf = locateKeys(toml);
        for (const [mark, path] of marked.paths) {
          expect([path, lines[(lineOf(path) ?? 0) - 1]]).toEqual([
            path,
            expect.stringMatching(mark),
          ]);
        }
      }),
    );
  });
});

/** Each leaf under a table gets a value that is nowhere else in the text. */
function markLeaves(content: Record<string, unknown>) {
  const paths = new Map<string, KeyPath>();
  const walk = (value: unknown, path: KeyPath): unknown => {
    if (Array.isArray(value) && typeof value[0] === 'object') {
      return value.map((each, index) => walk(each, [...path, index]));
    }
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return Object.fromEntries(
        Object.entries(value).map(([key, each]) => [key, walk(each, [...path, key])]),
      );
    }
    const mark = `<leaf ${paths.size}>`;
    paths.set(mark, path);
    return Array.isArray(value) ? [...(value as unknown[]), mark] : mark;
  };
  return { content: walk(content, []) as Record<string, unknown>, paths };
}
