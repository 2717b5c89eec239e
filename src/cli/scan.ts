/** `clamgate scan`: explains what clamgate makes of a message, and what each door would answer. */
import type { Config } from '../daemon/config.ts';
import { explainerOf } from '../daemon/config-scanner.ts';
import { tenth } from '../daemon/log-transaction.ts';
import type { MessageScanner, ScanReport } from '../scan/scanner.ts';
import { bannedFor, type BannedRule } from '../verdict/banned.ts';
import { decide, type Verdict } from '../verdict/verdict.ts';
import type { Finding } from '../verdict/finding.ts';
import type { Rules } from '../verdict/rules.ts';
import type { Situation } from '../verdict/situation.ts';
import type { CliContext } from './context.ts';
import { exitCodes, type ExitCode } from './exit-codes.ts';
import { CliFailure } from './failure.ts';
import { FileContent } from './file-content.ts';
import { type DoorAnswer, doorAnswers } from './scan-doors.ts';
import { explanationText } from './scan-text.ts';

/** The result with --json: one for each file, or why there is none. */
export type Explained = Explanation | { readonly file: string; readonly error: string };

export interface Explanation extends ScanReport {
  readonly file: string;
  readonly bytes: number;
  /** Why it is refused without a look at its content, if it is. */
  readonly refused?: Situation;
  readonly verdict: Verdict;
  readonly doors: readonly DoorAnswer[];
}

/** For whom and from whom the message is taken to be; rules for some hold where it is not said. */
export interface ScanEnvelope {
  readonly from?: string;
  readonly to?: string;
}

/**
 * Explains each file. One that cannot be read, or changes meanwhile, is named, the others are
 * explained all the same, and the exit code is noInput or ioError.
 *
 * @param files '-' is stdin. One that is named twice is explained once: a pipe is empty by then.
 * @throws {CliFailure} usage, when stdin is named in two ways.
 */
export async function scan(
  context: CliContext,
  files: readonly string[],
  envelope: ScanEnvelope = {},
): Promise<void> {
  assertStdinOnce(files);
  const config = await context.config();
  const scanner = explainerOf(config, context.clock);
  await scanner.look();
  const explained: Explained[] = [];
  let failure: ExitCode | undefined;
  for (const file of new Set(files)) {
    try {
      const explanation = await explain(file, config, scanner, envelope);
      explained.push(explanation);
      if (!context.json) context.print(explanationText(explanation));
    } catch (error) {
      if (!(error instanceof CliFailure)) throw error;
      context.note(`clamgate: ${error.message}`);
      explained.push({ file, error: error.message });
      failure ??= error.exitCode;
    }
  }
  if (context.json) context.result(explained, () => '');
  context.exitCode = failure ?? exitCodeOf(explained.filter((one) => 'verdict' in one));
}

/** Stdin is empty the second time, and an empty message is clean. */
function assertStdinOnce(files: readonly string[]): void {
  const stdin = files.filter((file) => file === '-' || file === '/dev/stdin');
  if (stdin.length > 1) throw new CliFailure(exitCodes.usage, 'stdin can be read only once');
}

async function explain(
  file: string,
  { bareCr, limits, rules, banned }: Config,
  scanner: MessageScanner,
  envelope: ScanEnvelope,
): Promise<Explanation> {
  const { messageBytesMax } = limits;
  const content = await FileContent.open(file, { bareCr, messageBytesMax });
  const refused = refusal(content);
  const report = refused
    ? { findings: [], streams: [], parts: [] }
    : await scanner.scan(content, new AbortController().signal);
  assertSame(file, content);
  const findings = [...report.findings, ...lineFindings(content)];
  const verdictOn = (seen: readonly Finding[]): Verdict => {
    const here = bannedHere(seen, rules, banned, envelope);
    return decide(here.findings, here.rules);
  };
  const verdict = verdictOn(findings);
  return {
    file,
    bytes: content.size,
    ...(refused && { refused }),
    ...report,
    streams: report.streams.map((stream) => ({ ...stream, ms: tenth(stream.ms) })),
    findings,
    verdict,
    doors: doorAnswers({ refused, verdict, verdictAtMilter: verdictOn(report.findings) }),
  };
}

function bannedHere(
  findings: readonly Finding[],
  rules: Rules,
  banned: readonly BannedRule[],
  { from, to }: ScanEnvelope,
): ReturnType<typeof bannedFor> {
  const anywhere = banned.map((rule) => ({
    ...rule,
    listeners: [],
    senders: from === undefined ? [] : rule.senders,
    recipients: to === undefined ? [] : rule.recipients,
  }));
  const addressed = { listener: '', sender: from ?? '', recipient: to ?? '' };
  return bannedFor(findings, rules, anywhere, addressed);
}

/** No verdict on other bytes than those that were read first. */
function assertSame(file: string, content: FileContent): void {
  // The scanner may have made a finding of what reading threw.
  if (content.changed)
    throw new CliFailure(exitCodes.ioError, `${file} changed while it was scanned`);
}

function refusal({ violations }: FileContent): Situation | undefined {
  if (violations.tooLarge) return 'too-large';
  return violations.lineEnd ? 'bare-line-end' : undefined;
}

function lineFindings({ violations }: FileContent): Finding[] {
  if (!violations.crDot) return [];
  return [{ kind: 'smuggling', stream: 'message', detail: 'bare CR before a lone dot' }];
}

/**
 * By what the rules do, not by what was found: a message that is delivered as a clean one is (an
 * ambiguous one, say) is well. One that is tagged is not: somebody wanted to be told of it. Nor is
 * malware, whatever is done with it.
 */
function exitCodeOf(explanations: readonly Explanation[]): ExitCode {
  const stopped = explanations.filter(({ verdict, refused, findings }) => {
    const isInfected = findings.some(({ kind }) => kind === 'infected');
    return refused !== undefined || isInfected || verdict.action !== 'pass';
  });
  if (stopped.length === 0) return exitCodes.ok;
  const failed = stopped.every(({ verdict, refused }) => {
    return refused === undefined && verdict.kind === 'unavailable';
  });
  return failed ? exitCodes.temporary : exitCodes.negative;
}
