/**
 * The Received field as Postfix writes it, read for its queue id. Other programs' forms are not
 * read, and whatever is in doubt is no queue id: a wrong one would identify the wrong message.
 *
 * smtpd(8) and qmqpd(8):
 *   Received: from HELO (NAME [ADDRESS])
 *   <tab>(using TLSv1.3 …)                       zero or more lines of comments
 *   <tab>by HOST (Postfix) with ESMTPS id QUEUEID
 *   <tab>for <RECIPIENT>; DATE                   or, with several recipients, `QUEUEID;` above
 * pickup(8):
 *   Received: by HOST (Postfix, from userid 1000)
 *   <tab>id QUEUEID; DATE
 * and what Postfix sends itself, such as bounces, is as from pickup(8) without the userid.
 */

/** One thing in the field's value; white space between things is dropped. */
interface Token {
  readonly kind: 'word' | 'comment' | 'semicolon';
  readonly text: string;
  /** Whether it is the first on a line that Postfix began: after CRLF and a tab. */
  readonly beginsLine: boolean;
}

/**
 * RFC 5322 §3.2: comments nest, and in them and in quoted strings a backslash quotes. What does
 * not end is not matched.
 */
const wordPattern = /(?:"(?:[^"\\]|\\[^])*"|<[^<>"]*>|[^\s();"])+/y;
const blankPattern = /\s*/y;

/** @param field from `Received:` to its last CRLF. */
export function topReceived(field: string): string | undefined {
  const tokens = tokenize(field, field.indexOf(':') + 1);
  if (!tokens) return undefined;
  const by = beginOfBy(tokens);
  const [host, mailName, ...clauses] = tokens.slice(by + 1);
  if (by < 0 || host?.kind !== 'word' || mailName?.kind !== 'comment') return undefined;
  return queueIdIn(clauses, by === 0);
}

/**
 * In the form of smtpd, what stands between `from` and `by` is what the client chose to say, so
 * only a `by` at the begin of a line counts: a client cannot make a line that begins with a tab
 * (where Postfix breaks an overlong line, it continues with a space).
 */
function beginOfBy(tokens: readonly Token[]): number {
  if (isWord(tokens[0], 'by')) return 0;
  if (!isWord(tokens[0], 'from')) return -1;
  return tokens.findIndex((token) => token.beginsLine && isWord(token, 'by'));
}

function queueIdIn(clauses: readonly Token[], fromPickup: boolean): string | undefined {
  const rest = fromPickup ? clauses : clauses.slice(2);
  const [id, queueId, next] = rest;
  const lead = fromPickup ? id?.beginsLine : isWord(clauses[0], 'with');
  if (!lead || !isWord(id, 'id') || !queueId) return undefined;
  const ends = next?.kind === 'semicolon' || (next?.beginsLine && isWord(next, 'for'));
  return ends && isQueueId(queueId.text) ? queueId.text : undefined;
}

/** Short: microseconds in 5 hex digits and the inode. Long: time, microseconds, 'z', inode. */
function isQueueId(text: string): boolean {
  return (
    /^[0-9A-F]{6,21}$/.test(text) ||
    /^[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{10,}z[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-y]+$/.test(text)
  );
}

function isWord(token: Token | undefined, text: string): boolean {
  return token?.kind === 'word' && token.text === text;
}

/** The tokens up to the first semicolon; undefined when a comment or a string does not end. */
function tokenize(field: string, from: number): Token[] | undefined {
  const tokens: Token[] = [];
  for (let at = from; ;) {
    const blank = matchAt(blankPattern, field, at) ?? '';
    at += blank.length;
    if (at === field.length) return tokens;
    const token = tokenAt(field, at);
    if (!token) return undefined;
    tokens.push({ ...token, beginsLine: blank.endsWith('\r\n\t') });
    if (token.kind === 'semicolon') return tokens;
    at += token.text.length;
  }
}

function tokenAt(field: string, at: number): Omit<Token, 'beginsLine'> | undefined {
  if (field[at] === ';') return { kind: 'semicolon', text: ';' };
  if (field[at] === '(') {
    const end = endOfComment(field, at);
    return end === undefined ? undefined : { kind: 'comment', text: field.slice(at, end) };
  }
  const text = matchAt(wordPattern, field, at);
  return text === undefined ? undefined : { kind: 'word', text };
}

function endOfComment(field: string, from: number): number | undefined {
  let depth = 0;
  for (let at = from; at < field.length; at++) {
    if (field[at] === '\\') at++;
    else if (field[at] === '(') depth++;
    else if (field[at] === ')' && --depth === 0) return at + 1;
  }
  return undefined;
}

function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}
