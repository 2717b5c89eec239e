/** An explained message, for people. What stands in it is escaped by whoever prints it. */
import { findingText } from '../daemon/log-transaction.ts';
import type { MimePart, ScannedStream } from '../scan/scanner.ts';
import type { Explanation } from './scan.ts';

export function explanationText(explanation: Explanation): string {
  const { file, bytes, refused, parts, streams, findings, verdict, doors } = explanation;
  return [
    `${file}: ${bytes} bytes`,
    ...(refused === undefined ? [] : [`  refused without a scan: ${refused}`]),
    ...section('parts', parts.map(partText)),
    ...section('scanned', streams.flatMap(streamText)),
    ...section('findings', findings.map(findingText)),
    `  coverage ${verdict.coverage}, verdict ${verdict.kind} (${verdict.action})`,
    ...doors.map(
      ({ position, disposition, reply }) =>
        `  ${position.padEnd(12)} ${disposition}; reply: ${reply}`,
    ),
  ].join('\n');
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

function streamText({ stream, label, bytes, digest, sameAs, ...scanned }: ScannedStream): string[] {
  const name = [stream, label].filter((word) => word !== '').join(' ');
  const by = scanned.endpoint === '' ? '' : ` (${scanned.endpoint}, ${Math.round(scanned.ms)} ms)`;
  const same = sameAs === undefined ? '' : `, the same bytes as ${sameAs}`;
  return [
    `${name}, ${bytes} bytes${same}: ${scanned.answer}${sameAs === undefined ? by : ''}`,
    `  sha256 ${digest}`,
  ];
}
