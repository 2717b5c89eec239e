/**
 * Takes fields out of a header section and puts one on top. All other bytes stay as they are:
 * signatures (DKIM, RFC 6376) are made over them.
 */
import { assert } from '../../assert.ts';
import { fields, lenientFields } from './header.ts';

export interface HeaderEdit {
  /** Names of fields to be taken out, all of them, in any case and however disguised. */
  readonly remove: readonly string[];
  /** Whole field lines with their CRLF, put before everything else. */
  readonly prepend: string | undefined;
}

/**
 * The edited header section, in pieces that follow each other; without a copy of what stays.
 *
 * What is taken out is what any reader might take for such a field (`lenientFields`), also where
 * strict parsers see none. Any other line that is no field stays where it is, and so do the lines
 * that continue it; the fields after it are still fields, because mail programs read on where strict
 * parsers stop. Nothing is put before a first line that is no field: if it is a continuation line it
 * would become part of ours, and if it is text, ours would turn text into a header section.
 */
export function editHeader(header: Buffer, { remove, prepend }: HeaderEdit): readonly Buffer[] {
  assert(prepend === undefined || isFieldLines(prepend), 'what is prepended is a field');
  const kept = without(
    header,
    remove.map((name) => name.toLowerCase()),
  );
  if (prepend === undefined || !canPrepend(kept[0])) return kept;
  return [Buffer.from(prepend), ...kept];
}

function without(header: Buffer, names: readonly string[]): Buffer[] {
  const kept: Buffer[] = [];
  let from = 0;
  for (const { start, end } of lenientFields(header, names)) {
    if (start > from) kept.push(header.subarray(from, start));
    from = end;
  }
  if (from < header.length) kept.push(header.subarray(from));
  return kept;
}

function isFieldLines(text: string): boolean {
  return /^[!-9;-~]+:[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*$/.test(text);
}

/** Whether the section is empty or begins with a field. */
function canPrepend(beginning: Buffer | undefined): boolean {
  if (beginning === undefined || beginning.indexOf('\r\n') === 0) return true;
  const [first] = fields(beginning);
  return first?.start === 0;
}
