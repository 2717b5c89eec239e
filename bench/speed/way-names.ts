/** How the ways are called in tables and in the chart. Pure. */

const names: ReadonlyMap<string, string> = new Map([
  ['sink', 'smtp-sink alone'],
  ['clamd', 'clamd alone'],
  ['clamd-whole', 'clamd alone, whole only'],
  ['floor', 'the least (floor.ts)'],
  ['no filter', 'Postfix alone'],
  ['no filter, twice', 'Postfix twice, no filter'],
]);

export function wayName(variant: string): string {
  return names.get(variant) ?? variant;
}
