import { describe, expect, test } from '@jest/globals';
import { parseConfig } from '../../src/daemon/config.ts';
import { warnings } from '../../src/daemon/config-warnings.ts';

/** Without the note that the default sizes give. */
const sound = `[[listener]]
protocol = "smtp"
address = "127.0.0.1:10024"
next_hop = "127.0.0.1:10025"
[limits]
message_bytes_max = "25M"
`;

/** Without the note that nobody asks before a message is committed. */
const asked = '[commit]\naddress = "unix:/c"\n';

function adviceFor(toml: string, processors = 4): string[] {
  return warnings(parseConfig(toml, 'f'), processors).map(
    ({ severity, key, text }) => `${severity}: ${key}: ${text}`,
  );
}

test('nothing is said about a sound configuration', () => {
  expect(adviceFor(sound + asked)).toEqual([]);
});

test.each([
  [1, 1, false],
  [2, 1, true],
  [2, 2, true],
  [2, 3, false],
  [16, 16, true],
  [15, 16, false],
])('%d workers on %d processors: %p', (workers, processors, isTold) => {
  const toml = `workers = ${workers}\n${sound}${asked}`;
  const note = expect.stringMatching(`^note: workers: ${workers} .* on ${processors} processors`);
  expect(adviceFor(toml, processors)).toEqual(isTold ? [note] : []);
});

describe('what is legal and unwise', () => {
  test.each([
    ['[rules]\ninfected = "reject"', 'warning: [rules] infected', 'backscatter'],
    ['[rules]\nmacro = "reject"', 'warning: [rules] macro', 'backscatter'],
    ['[rules]\ninfected = "tag"', 'warning: [rules] infected', 'delivered'],
    ['[rules]\npartial = "pass"', 'warning: [rules] partial', 'delivered'],
    ['[rules]\noversize = "pass"', 'warning: [rules] oversize', 'delivered'],
    ['[rules]\nlimits = "tag"', 'warning: [rules] limits', 'delivered'],
    ['[rules]\nlimits_silent = "reject"', 'warning: [rules] limits_silent', 'backscatter'],
    ['[rules]\nsmuggling = "pass"', 'warning: [rules] smuggling', 'delivered'],
    ['[rules]\nencrypted = "discard"', 'warning: [rules] encrypted', 'vanishes'],
    ['[rules]\ninfected = "defer"', 'warning: [rules] infected', 'maximal_queue_lifetime'],
    ['next_hop_reply_ms = "240s"', 'warning: [limits] next_hop_reply_ms', 'smtp_mail_timeout'],
    ['recipients_max = 99', 'warning: [limits] recipients_max', 'at least 100'],
    ['transactions_max = 201', 'warning: [limits] transactions_max', 'sessions_max (200)'],
    ['[clamd]\nmax_scan_time = "300s"', 'warning: [clamd] max_scan_time', 'scan_ms (300s)'],
    [
      '[clamd]\nmax_file_size = "20M"',
      'note: [limits] message_bytes_max',
      "above 20M (clamd's MaxFileSize)",
    ],
    ...['0.0.0.0:25', '[::]:25', '[0:0::0]:25'].map((address) => [
      `[[listener]]\nprotocol = "lmtp"\naddress = "${address}"\nnext_hop = "lmtp:unix:/b"`,
      'warning: [[listener]] address',
      'open to all',
    ]),
    ['[clamd]\nmax_file_size = "26M"', 'note: [clamd] max_file_size', 'stream_max_length (25M)'],
    [
      '[clamd]\nstream_max_length = "10M"\nmax_file_size = "10M"',
      'note: [limits] message_bytes_max',
      "above 10M (clamd's StreamMaxLength)",
    ],
    [
      '[[listener]]\nprotocol = "smtp"\naddress = "unix:/p"\nnext_hop = "unix:/b"\nposition = "before-queue"',
      'note: [clamd] wait_max',
      '451 4.4.7',
    ],
    ['[ledger]\nenabled = false', 'warning: [ledger] enabled', 'delivered again'],
    ['[ledger]\nretention = "5d"', 'warning: [ledger] retention', 'maximal_queue_lifetime'],
    [
      '[[listener]]\nprotocol = "smtp"\naddress = "unix:/a"\nnext_hop = "lmtp:unix:/b"',
      'warning: [[listener]] next_hop',
      'destination_recipient_limit = 1',
    ],
  ])('%j', (addition, head, words) => {
    const advice = adviceFor(`${sound}${addition}\n${asked}`);
    expect(advice).toEqual([expect.stringContaining(words)]);
    expect(advice[0]?.startsWith(`${head}: `)).toBe(true);
  });

  test.each([
    '[rules]\ninfected = "discard"',
    '[ledger]\nretention = "6d"',
    '[rules]\nencrypted = "quarantine"\nmacro = "pass"',
    '[[listener]]\nprotocol = "lmtp"\naddress = "unix:/a"\nnext_hop = "lmtp:unix:/b"',
    '[[listener]]\nprotocol = "lmtp"\naddress = "[::1]:25"\nnext_hop = "lmtp:unix:/b"',
    '[[listener]]\nprotocol = "lmtp"\naddress = "10.0.0.1:25"\nnext_hop = "lmtp:unix:/b"',
    '[clamd]\nstream_max_length = "26M"',
    'next_hop_reply_ms = "239s"',
    'recipients_max = 100',
    '[clamd]\nmax_scan_time = "299s"',
  ])('and what is not: %j', (addition) => {
    expect(adviceFor(`${sound}${addition}\n${asked}`)).toEqual([]);
  });

  test('a size that clamd does not scan is worse where it is let through', () => {
    const lenient = adviceFor(`${sound}[clamd]\nmax_file_size = "1M"\n[rules]\noversize = "tag"`);
    expect(
      lenient.filter((line) => line.startsWith('warning: [limits] message_bytes_max')),
    ).toHaveLength(1);
  });
});

test.each([
  ['retry', 'sent again'],
  ['hold', 'held'],
])(
  'where nobody asks before a message is committed, a note says what follows (%s)',
  (rule, words) => {
    const advice = adviceFor(`${sound}[ledger]\nin_doubt = "${rule}"`);
    expect(advice).toEqual([expect.stringMatching(`^note: \\[commit\\] address: .*${words}`)]);
  },
);
