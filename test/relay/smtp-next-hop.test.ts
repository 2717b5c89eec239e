import { Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { SmtpNextHop } from '../../src/relay/smtp-next-hop.ts';
import { allExtensions } from '../support/fake-next-hop.ts';
import { chunks, inShort, limits, never, path, Rig, turn, turnsUntil } from './rig.ts';

const sender = path('a@example.org', 'SIZE=20', 'BODY=8BITMIME', 'RET=HDRS', 'ENVID=x+2By');
const client = { name: 'mx.example', addr: '192.0.2.1', helo: 'a b', ident: '4XyZ' };

describe('a delivery', () => {
  test.each([
    { flavour: 'smtp', socket: 'tcp', octetwise: false },
    { flavour: 'smtp', socket: 'unix', octetwise: true },
    { flavour: 'lmtp', socket: 'tcp', octetwise: true },
    { flavour: 'lmtp', socket: 'unix', octetwise: false },
  ] as const)('over $flavour, $socket, octetwise $octetwise, arrives whole', async (options) => {
    const { fake, hop } = await Rig.start(options);
    const opening = { client, reversePath: sender, helloName: 'gate.example' };
    const delivery = hop.begin(opening, never);
    const recipient = path('b@example.org', 'NOTIFY=NEVER', 'ORCPT=rfc822;b@example.org');
    const asked = [delivery.recipient(recipient), delivery.recipient(path('ü@example.org'))];
    expect(await delivery.mail).toEqual({
      kind: 'reply',
      reply: { code: 250, enhanced: '2.1.0', lines: ['Ok'] },
    });
    expect((await Promise.all(asked)).map(inShort)).toEqual(['reply 250', 'reply 250']);
    const sent = await delivery.send(() => chunks('A: b\r\n', '\r\n.hi', '\xff'), never);
    const taken = {
      kind: 'reply',
      reply: { code: 250, enhanced: '2.0.0', lines: ['Ok: queued as FAKE1'] },
    };
    expect(sent).toEqual(options.flavour === 'lmtp' ? [taken, taken] : [taken]);
    expect(fake.messages).toEqual([
      {
        hello: options.flavour === 'lmtp' ? 'LHLO gate.example' : 'EHLO gate.example',
        client: { name: 'mx.example', addr: '192.0.2.1', helo: 'a+20b', ident: '4XyZ' },
        reversePath: {
          address: 'a@example.org',
          parameters: ['SIZE=20', 'BODY=8BITMIME', 'RET=HDRS', 'ENVID=x+2By'],
        },
        recipients: [
          {
            address: 'b@example.org',
            parameters: ['NOTIFY=NEVER', 'ORCPT=rfc822;b@example.org'],
          },
          { address: 'ü@example.org', parameters: [] },
        ],
        content: Buffer.from('A: b\r\n\r\n.hi\xff\r\n'),
        wire: Buffer.from('A: b\r\n\r\n..hi\xff\r\n.\r\n'),
        replies: sent.map(() => '250 2.0.0 Ok: queued as FAKE1'),
      },
    ]);
    expect(fake.tooEarly).toEqual([]);
  });

  test('says EHLO alone, then the envelope in one write', async () => {
    const rig = await Rig.start();
    await rig.deliver({ client, to: ['b@example.org', 'c@example.org'] });
    expect(rig.fake.connections[0]?.reads.slice(0, 3)).toEqual([
      'EHLO gate.example\r\n',
      'XFORWARD NAME=mx.example ADDR=192.0.2.1\r\n' +
        'XFORWARD HELO=a+20b IDENT=4XyZ\r\n' +
        'MAIL FROM:<a@example.org>\r\n' +
        'RCPT TO:<b@example.org>\r\n' +
        'RCPT TO:<c@example.org>\r\n',
      'DATA\r\n',
    ]);
  });

  test('says one command at a time where PIPELINING is not announced', async () => {
    const rig = await Rig.start({
      extensions: allExtensions.filter((line) => line !== 'PIPELINING'),
    });
    const sent = await rig.deliver({ client, to: ['b@example.org', 'c@example.org'] });
    expect(sent.map(inShort)).toEqual(['reply 250']);
    expect(rig.fake.tooEarly).toEqual([]);
    expect(rig.fake.connections[0]?.reads.slice(0, 7)).toEqual(
      rig.fake.commands.map((line) => `${line}\r\n`),
    );
    expect(rig.fake.commands).toHaveLength(7);
  });

  test('goes on with HELO where EHLO is not known, without parameters and XFORWARD', async () => {
    const rig = await Rig.start();
    rig.fake.at('hello', { reply: '502 5.5.1 what?' }, { times: 1 });
    const sent = await rig.deliver({ client, from: path('a@example.org', 'SIZE=1', 'RET=FULL') });
    expect(sent.map(inShort)).toEqual(['reply 250']);
    expect(rig.fake.commands).toEqual([
      'EHLO gate.example',
      'HELO gate.example',
      'MAIL FROM:<a@example.org>',
      'RCPT TO:<b@example.org>',
      'DATA',
    ]);
  });

  test.each(['SMTPUTF8', '8BITMIME'])('sends nothing on to one that lacks %s', async (lacking) => {
    const rig = await Rig.start({
      extensions: allExtensions.filter((line) => line !== lacking),
    });
    const from = path('a@example.org', 'SMTPUTF8', 'BODY=8BITMIME');
    const { delivery, recipients } = rig.begin({ from, client });
    expect(inShort(await delivery.mail)).toBe(`lacks ${lacking}`);
    expect((await recipients).map(inShort)).toEqual([`lacks ${lacking}`]);
    expect(inShort(await delivery.recipient(path('late@example.org')))).toBe(`lacks ${lacking}`);
    delivery.abort();
    await rig.fake.until(() => rig.fake.commands.length === 2);
    expect(rig.fake.commands).toEqual(['EHLO gate.example', 'RSET']);
  });

  test('gives each recipient its own answer, at RCPT and over LMTP at the dot', async () => {
    const rig = await Rig.start({ flavour: 'lmtp' });
    rig.fake.at('rcpt', { reply: '550 5.1.1 no such' }, { skip: 1, times: 1 });
    rig.fake.at('dot', { reply: '452 4.2.2 full' }, { skip: 1, times: 1 });
    const to = ['b@example.org', 'no@example.org', 'c@example.org', 'c@example.org'];
    const { delivery, recipients } = rig.begin({ to });
    expect((await recipients).map(inShort)).toEqual([
      'reply 250',
      'reply 550',
      'reply 250',
      'reply 250',
    ]);
    const sent = await delivery.send(() => chunks('x\r\n'), never);
    expect(sent.map(inShort)).toEqual(['reply 250', 'reply 452', 'reply 250']);
  });

  test('carries any content byte for byte, whatever its chunks', async () => {
    const rig = await Rig.start();
    const piece = fc.constantFrom('.', '\r', '\n', '\r\n', '.\r\n', '\r\n.', 'x', '\0\xff');
    const content = fc.array(fc.array(piece, { maxLength: 8 }), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(content, async (pieces) => {
        const { delivery, recipients } = rig.begin();
        await recipients;
        const bytes = pieces.map((octets) => Buffer.from(octets.join(''), 'latin1'));
        const sent = await delivery.send(() => chunks(...bytes), never);
        expect(sent.map(inShort)).toEqual(['reply 250']);
        const whole = Buffer.concat(bytes).toString('latin1');
        const ended = whole === '' || whole.endsWith('\r\n') ? whole : `${whole}\r\n`;
        expect(rig.fake.messages.at(-1)?.content.toString('latin1')).toBe(ended);
      }),
      { numRuns: 60 },
    );
    expect(rig.fake.connections).toHaveLength(1);
  });

  test('carries more than the sockets can buffer', async () => {
    const rig = await Rig.start();
    const { delivery, recipients } = rig.begin();
    await recipients;
    const block = Buffer.alloc(1 << 20, `.${'x'.repeat(75)}\r\n`);
    const sent = await delivery.send(() => chunks(...Array<Buffer>(8).fill(block)), never);
    expect(sent.map(inShort)).toEqual(['reply 250']);
    const expected = Buffer.concat([...Array<Buffer>(8).fill(block), Buffer.from('\r\n')]);
    expect(rig.fake.messages[0]?.content.equals(expected)).toBe(true);
  });
});

describe('connections', () => {
  test('are reused, with EHLO, XFORWARD and envelope said anew', async () => {
    const rig = await Rig.start();
    await rig.deliver({ client });
    await rig.deliver({ client: { name: 'other.example' }, to: ['c@example.org'] });
    expect(rig.fake.connections).toHaveLength(1);
    expect(rig.fake.commands.filter((line) => line.startsWith('EHLO'))).toHaveLength(2);
    expect(rig.fake.messages[1]).toMatchObject({
      client: { name: 'other.example' },
      recipients: [{ address: 'c@example.org' }],
    });
  });

  test('are reused after a delivery that was given up, refused at MAIL or at DATA', async () => {
    const rig = await Rig.start();
    rig.fake.at('mail', { reply: '450 4.2.0 later' }, { skip: 1, times: 1 });
    rig.fake.at('data', { reply: '451 4.3.0 later' }, { times: 1 });
    const answerToReset = '250 2.0.0 Reset';
    const given = rig.begin();
    await given.recipients;
    given.delivery.abort();
    await rig.hears(answerToReset, 1);
    const refused = rig.begin();
    expect(inShort(await refused.delivery.mail)).toBe('reply 450');
    refused.delivery.abort();
    await rig.hears(answerToReset, 2);
    expect((await rig.deliver()).map(inShort)).toEqual(['reply 451']);
    await rig.hears(answerToReset, 3);
    expect((await rig.deliver()).map(inShort)).toEqual(['reply 250']);
    expect(rig.fake.connections).toHaveLength(1);
  });

  test('are closed with QUIT when they have been idle', async () => {
    const rig = await Rig.start();
    await rig.deliver();
    rig.clock.advance(limits.idleMs - 1);
    await turn();
    expect(rig.fake.open).toBe(1);
    rig.clock.advance(1);
    await rig.fake.until(() => rig.fake.open === 0);
    expect(rig.fake.commands.at(-1)).toBe('QUIT');
    await turnsUntil(() => rig.clock.pending === 0);
    expect(rig.sockets[0]?.closed).toBe(true);
  });

  test('are out of reach while they serve, and do not grow idle', async () => {
    const rig = await Rig.start();
    await rig.deliver();
    const begun = [rig.begin(), rig.begin()];
    for (const { recipients } of begun) await recipients;
    expect(rig.fake.connections).toHaveLength(2);
    rig.clock.advance(limits.idleMs);
    for (const { delivery } of begun) {
      const sent = await delivery.send(() => chunks('x\r\n'), never);
      expect(sent.map(inShort)).toEqual(['reply 250']);
    }
    expect(rig.fake.connections).toHaveLength(2);
  });

  test('that have rested the shortest are taken first', async () => {
    const rig = await Rig.start();
    const begun = [rig.begin(), rig.begin()];
    for (const { recipients } of begun) await recipients;
    for (const { delivery } of begun) await delivery.send(() => chunks('x\r\n'), never);
    await rig.deliver();
    const helloes = rig.fake.connections.map(
      ({ commands }) => commands.filter((line) => line.startsWith('EHLO')).length,
    );
    expect(helloes).toEqual([1, 2]);
  });

  test('are opened without delay for small writes', async () => {
    const seen: object[] = [];
    const rig = await Rig.start();
    const hop = new SmtpNextHop({
      address: '[::1]:2525',
      clock: rig.clock,
      limits,
      connect: (options) => {
        seen.push(options);
        return new Socket().destroy();
      },
    });
    const opening = { client: {}, reversePath: sender, helloName: 'gate.example' };
    expect(inShort(await hop.begin(opening, never).mail)).toBe('unreachable');
    expect(seen).toEqual([{ host: '::1', port: 2525, noDelay: true }]);
  });

  test.each(['250 2.0.0 Ok\r\nmore', '421 4.3.2 later'])(
    'on which the dot was answered %j are not used again',
    async (reply) => {
      const rig = await Rig.start();
      rig.fake.at('dot', 'stall');
      const { delivery, recipients } = rig.begin();
      await recipients;
      const sent = delivery.send(() => chunks('x\r\n'), never);
      await rig.fake.until(() => rig.fake.failed === 1);
      rig.fake.recover();
      rig.fake.speak(`${reply}\r\n`);
      expect((await sent).map(inShort)).toEqual([`reply ${reply.slice(0, 3)}`]);
      expect((await rig.deliver()).map(inShort)).toEqual(['reply 250']);
      expect(rig.fake.connections).toHaveLength(2);
    },
  );

  test('that are idle are no more than idleConnectionsMax', async () => {
    const rig = await Rig.start();
    const begun = Array.from({ length: limits.idleConnectionsMax + 2 }, () => rig.begin());
    for (const { recipients } of begun) await recipients;
    expect(rig.fake.open).toBe(limits.idleConnectionsMax + 2);
    for (const { delivery } of begun) await delivery.send(() => chunks('x\r\n'), never);
    await rig.fake.until(() => rig.fake.open === limits.idleConnectionsMax);
    expect(rig.fake.commands.filter((line) => line === 'QUIT')).toHaveLength(2);
  });

  test.each(['250 2.0.0 hello?\r\n', 'hello?\r\n', '421 4.4.2 timeout\r\n'])(
    'that are idle and say %j are dropped',
    async (words) => {
      const rig = await Rig.start();
      await rig.deliver();
      rig.fake.speak(words);
      await rig.fake.until(() => rig.fake.open === 0);
      expect((await rig.deliver()).map(inShort)).toEqual(['reply 250']);
      expect(rig.fake.connections).toHaveLength(2);
    },
  );

  test('that are at work when the next hop is closed end with their delivery', async () => {
    const rig = await Rig.start();
    const { delivery, recipients } = rig.begin();
    await recipients;
    rig.hop.close();
    expect((await delivery.send(() => chunks('x\r\n'), never)).map(inShort)).toEqual(['reply 250']);
    await rig.fake.until(() => rig.fake.open === 0);
    expect(rig.fake.commands.at(-1)).toBe('QUIT');
  });

  test.each(['choke', 'drop', 'reset', 'nonsense', { reply: '500 what?' }] as const)(
    'end even if QUIT is met with %j',
    async (failure) => {
      const rig = await Rig.start();
      await rig.deliver();
      rig.fake.at('quit', failure);
      rig.hop.close();
      await rig.fake.until(() => rig.fake.failed === 1);
      if (failure === 'choke') rig.clock.advance(2000);
      await turnsUntil(() => rig.clock.pending === 0);
      expect(rig.sockets[0]?.destroyed).toBe(true);
    },
  );
});
