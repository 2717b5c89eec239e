/** An explained message, for people. What stands in it is escaped by whoever prints it. */
import { findingText } from '../daemon/log-transaction.ts';
import type { MimePart, ScannedStream, ShownContent, ShownReading } from '../scan/scanner.ts';
import type { Finding, PartialReason } from '../verdict/finding.ts';
import type { Verdict } from '../verdict/verdict.ts';
import type { Explanation } from './scan.ts';

export function explanationText(explanation: Explanation): string {
  const {
    file,
    bytes,
    refused,
    parts,
    readings = [],
    contents = [],
    streams,
    findings,
    verdict,
    doors,
  } = explanation;
  return [
    `${file}: ${bytes} bytes`,
    ...(refused === undefined ? [] : [`  refused without a scan: ${refused}`]),
    ...section('parts', parts.map(partText)),
    ...section(
      'scanned',
      streams.flatMap((stream) => streamText(stream, findings)),
    ),
    ...section('readings', readings.map(readingText)),
    ...section('contents', contents.map(contentText)),
    ...section('findings', findings.map(findingText)),
    `  coverage ${coverageText(verdict)}, verdict ${verdict.kind} (${verdict.action})`,
    ...decidingRules(verdict.because),
    ...doors.map(
      ({ position, disposition, reply }) =>
        `  ${position.padEnd(12)} ${disposition}; reply: ${reply}`,
    ),
  ].join('\n');
}

function coverageText({ coverage, unscanned }: Verdict): string {
  return coverage === 'full' ? coverage : `${coverage} (${unscanned.join(', ')})`;
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`  ${title}`, ...lines.map((line) => `    ${line}`)];
}

/** Indented by its depth: '1.2' is one level below the root. */
function partText({ number, contentType, filename, bytes }: MimePart): string {
  const depth = number === '' ? 0 : number.split('.').length;
  const name = filename === undefined ? '' : ` "${filename}"`;
  return `${'  '.repeat(depth)}${number === '' ? 'root' : number} ${contentType}${name}, ${bytes} bytes`;
}

function streamText(scanned: ScannedStream, findings: readonly Finding[]): string[] {
  const { stream, label, bytes, digest, sameAs, endpoint, ms, answer } = scanned;
  const name = [stream, label].filter((word) => word !== '').join(' ');
  const by = endpoint === '' ? '' : ` (${endpoint}, ${Math.round(ms)} ms)`;
  const same = sameAs === undefined ? '' : `, the same bytes as ${sameAs}`;
  return [
    `${name}, ${bytes} bytes${same}: ${answer}${sameAs === undefined ? by : ''}`,
    ...findings.filter((finding) => finding.stream === (sameAs ?? stream)).flatMap(unseenText),
    `  sha256 ${digest}`,
  ];
}

/** How clients come to some bytes, and as which stream those were scanned. */
function readingText({ stream, recipe, why, odd, bytes }: ShownReading): string {
  return `${recipe}, ${bytes} bytes: ${stream}; ${why}${odd ? ', to some clients' : ''}`;
}

/** What a stream is by its first bytes, and which names it has in it. */
function contentText({ stream, type, names, namesLeftOut, incomplete }: ShownContent): string {
  const listed = names.length === 0 ? '' : `: ${names.map((name) => `"${name}"`).join(', ')}`;
  const more = namesLeftOut > 0 ? `, and ${namesLeftOut} more` : '';
  const gap = incomplete === undefined ? '' : `; not all names: ${incomplete}`;
  return `${stream} is ${type ?? 'of no known type'}${listed}${more}${gap}`;
}

/** The tables [[banned]] that decided. */
function decidingRules(because: readonly Finding[]): string[] {
  const names = because.flatMap((one) => (one.kind === 'banned' ? (one.rules ?? []) : []));
  return names.length === 0 ? [] : [`  decided by [[banned]] ${[...new Set(names)].join(', ')}`];
}

/** What clamd was not told to say: that its OK is not about all of the stream. */
function unseenText(finding: Finding): string[] {
  if (finding.kind !== 'partial') return [];
  return [`  in part only, for ${limitNames[finding.reason]}: ${finding.detail}`];
}

/** Which limit stood in the way, by the key of our configuration where there is one. */
const limitNames: Readonly<Record<PartialReason, string>> = {
  'stream-length': '[clamd] stream_max_length',
  'file-size': '[clamd] max_file_size',
  'scan-time': '[clamd] max_scan_time',
  'limits-exceeded': "a limit of clamd's own",
  parts: '[limits] parts_max or part_depth_max',
  unparsed: 'a form that was not taken apart',
  readings: '[limits] readings_max, or another ceiling of what is read',
  fragment: 'the rest of the message, which is in others',
  archive: 'a ceiling of what is read of an archive',
  'limits-silent': "limits of clamd's own, which it does not tell of",
};
