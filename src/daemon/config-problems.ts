/** Turns what the schema found into problems that name line, key and what would be right. */
import type { z } from 'zod';
import type { ConfigProblem } from './config-error.ts';
import type { KeyPath, LineOf } from './config-lines.ts';
import { nearest } from './config-nearest.ts';
import { shapes } from './config-schema.ts';

export function problemsOf(error: z.ZodError, lineOf: LineOf): ConfigProblem[] {
  return error.issues
    .flatMap((issue) => wordsOf(issue))
    .map(({ path, message }) => problemAt(path, message, lineOf))
    .sort((a, b) => (a.line ?? Infinity) - (b.line ?? Infinity));
}

export function problemAt(path: KeyPath, message: string, lineOf: LineOf): ConfigProblem {
  const line = lineOf(path);
  return { ...(line !== undefined && { line }), key: keyName(path), message };
}

/** ['limits', 'scan_ms'] → '[limits] scan_ms'; ['listener', 1, 'mode'] → '[[listener]] mode'. */
export function keyName(path: KeyPath): string {
  const [table = '', ...rest] = path;
  if (table === 'listener' || table === 'banned') {
    return [`[[${table}]]`, ...keys(rest.slice(1))].join(' ');
  }
  return table in shapes ? [`[${table}]`, ...keys(rest)].join(' ') : keys(path).join(' ');
}

function keys(path: KeyPath): string[] {
  return path.map((step) => (typeof step === 'number' ? `item ${step + 1}` : step));
}

interface Words {
  readonly path: KeyPath;
  readonly message: string;
}

function wordsOf(issue: z.core.$ZodIssue): Words[] {
  const path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
  if (issue.code === 'unrecognized_keys') return unknownKeys(path, issue.keys);
  return [{ path, message: messageOf(issue, path) }];
}

function unknownKeys(path: KeyPath, unknown: readonly string[]): Words[] {
  const known = knownKeys(path);
  const kind = path.length === 0 ? 'key or table' : 'key';
  return unknown.map((key) => {
    const meant = nearest(key, known);
    const hint = meant === undefined ? `known are ${known.join(', ')}` : didYouMean(path, meant);
    return { path: [...path, key], message: `is not a known ${kind}; ${hint}` };
  });
}

function didYouMean(path: KeyPath, meant: string): string {
  return `did you mean ${path.length === 0 ? keyName([meant]) : `"${meant}"`}?`;
}

function knownKeys([table]: KeyPath): string[] {
  if (table !== undefined)
    return Object.keys(new Map(Object.entries(shapes)).get(String(table)) ?? {});
  const tables = Object.keys(shapes).filter((name) => name !== '');
  return [...Object.keys(shapes['']), ...tables];
}

function messageOf(issue: z.core.$ZodIssue, [table]: KeyPath): string {
  if (issue.code === 'too_small') return 'must not be empty';
  if (issue.code !== 'invalid_type') return issue.message;
  if ((table === 'listener' || table === 'banned') && issue.path.length === 1) return issue.message;
  return issue.expected === 'array' ? 'must be a list in square brackets' : 'must be a table';
}
