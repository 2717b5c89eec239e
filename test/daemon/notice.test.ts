import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { PassThrough } from 'node:stream';
import { Log } from '../../src/daemon/log.ts';
import { Notices } from '../../src/daemon/notice.ts';
import { parseConfig, type Config } from '../../src/daemon/config.ts';
import type { TransactionRecord } from '../../src/engine/record.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { FakeNextHop } from '../support/fake-next-hop.ts';
import { aRecord } from '../support/record.ts';

describe('the notice to the postmaster', () => {
  let hop: FakeNextHop;
  let clock: FakeClock;
  let written: string;
  let notices: Notices;

  beforeEach(async () => {
    hop = await FakeNextHop.start();
    clock = new FakeClock();
    written = '';
    const stream = new PassThrough();
    stream.on('data', (chunk: Buffer) => (written += chunk.toString()));
    notices = new Notices(new Log({ format: 'json', level: 'info' }, clock, stream), clock);
  });

  afterEach(() => hop.stop());

  function config(noticeTo?: string, nextHop = hop.address): Config {
    const notice = noticeTo === undefined ? '' : `[quarantine]\nnotice_to = "${noticeTo}"\n`;
    return parseConfig(
      `hostname = "filter.example.org"
       [[listener]]
       protocol = "smtp"
       address = "127.0.0.1:10024"
       next_hop = "${nextHop}"
       ${notice}`,
      'test.toml',
    );
  }

  const quarantined: TransactionRecord = aRecord({
    listener: '127.0.0.1:10024',
    outcome: 'quarantined',
    verdict: 'infected',
    quarantineId: 'Q1',
    sender: 'evil\r\nBcc: x@example.net',
    findings: [{ kind: 'infected', stream: '1.2', detail: 'Eicar-Test' }],
  });

  test('goes past the filter, from nobody, and tells where to look', async () => {
    await notices.observe(quarantined, config('postmaster@example.org'));
    const [message] = hop.messages;
    expect(message?.reversePath.address).toBe('');
    expect(message?.recipients.map(({ address }) => address)).toEqual(['postmaster@example.org']);
    const text = message?.content.toString() ?? '';
    expect(text).toMatch(/^Subject: Quarantined: infected \(Q1\)\r$/m);
    expect(text).toMatch(/^Auto-Submitted: auto-generated\r$/m);
    expect(text).toMatch(/^finding: {7}infected in 1\.2: Eicar-Test\r$/m);
    expect(text).toMatch(/^from: {10}<evil\?\?Bcc: x@example\.net>\r$/m);
    expect(text).not.toMatch(/^Bcc:/m);
  });

  test('goes only where it is wanted, and only for what is in quarantine', async () => {
    await notices.observe(quarantined, config());
    await notices.observe({ ...quarantined, outcome: 'relayed' }, config('p@example.org'));
    expect(hop.messages).toEqual([]);
  });

  test('goes for those who are kept, of a message that others got', async () => {
    const recipients = [
      { address: 'got@example.org' },
      { address: 'kept@example.org', outcome: 'quarantined' },
    ] as const;
    const mixed = { ...quarantined, outcome: 'relayed', recipients } as const;
    await notices.observe(mixed, config('p@example.org'));
    expect(hop.messages[0]?.content.toString()).toMatch(/^to: {12}<kept@example\.org>\r$/m);
  });

  test('a wave of malware is no wave of notices', async () => {
    const wanted = config('p@example.org');
    for (let count = 0; count < 22; count++) await notices.observe(quarantined, wanted);
    expect(hop.messages).toHaveLength(20);
    expect(written.match(/"notice-suppressed"/g)).toHaveLength(2);
    clock.advance(3_600_000);
    await notices.observe(quarantined, wanted);
    expect(hop.messages).toHaveLength(21);
  });

  test('one that cannot be sent is logged, and nothing else', async () => {
    const { address } = hop;
    await hop.stop();
    await notices.observe(quarantined, config('p@example.org', address));
    expect(written).toMatch(/"level":"error","event":"notice-failed","quarantine_id":"Q1"/);
  });
});
