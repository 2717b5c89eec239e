/** An answer of the control endpoint. */
import { escapeControls } from './log-text.ts';

export interface Page {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  /** With 405: the methods that are (RFC 9110 §10.2.1). */
  readonly allow?: string;
}

export function text(status: number, body: string): Page {
  return { status, contentType: 'text/plain; charset=utf-8', body: `${body}\n` };
}

export function json(status: number, value: unknown): Page {
  const body = escapeControls(JSON.stringify(value));
  return { status, contentType: 'application/json', body: `${body}\n` };
}

export function notAllowed(allow: string): Page {
  return { ...text(405, `only ${allow}`), allow };
}
