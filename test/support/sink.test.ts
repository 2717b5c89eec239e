import { afterEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { connect } from 'node:net';
import { chops } from './chop.ts';
import { startSink, type Sink, type SinkAnswer, type SinkStep } from './sink.ts';
import { submit } from './submit.ts';

const data = Buffer.from('Subject: x\r\n\r\n.\r\n..\r\n.a\r\n \xff \r\r\n', 'latin1');
const message = { from: '<a@b.test> RET=FULL', to: ['<c@d.test>', '<e@f.test>'], data };

describe('the sink', () => {
  let sink: Sink | undefined;
  afterEach(async () => {
    await sink?.stop();
    sink = undefined;
  });

  test('keeps the envelope and every byte', async () => {
    sink = await startSink();
    const replies = await submit(sink.port, message);

    expect(replies).toHaveLength(1);
    expect(sink.messages).toEqual([
      {
        helo: 'client.test',
        xforward: new Map(),
        from: message.from,
        to: message.to,
        data,
        connection: 1,
        at: expect.any(Number),
      },
    ]);
  });

  test('reads the same message however it is cut', async () => {
    const text = '.first\r\n..\r\n\r\n.\r\n';
    const before = 'EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.test>\r\nDATA\r\n';
    const wire = Buffer.from(`${before}.${text.replace('\r\n..', '\r\n...')}QUIT\r\n`);
    sink = await startSink();
    let sent = 0;
    for (const { pieces } of chops(wire)) {
      const socket = connect({ port: sink.port, host: '127.0.0.1' });
      socket.setNoDelay();
      for (const piece of pieces) socket.write(piece);
      socket.resume();
      await once(socket, 'close');
      sent++;
    }

    expect(sink.messages).toHaveLength(sent);
    expect(new Set(sink.messages.map((kept) => kept.data.toString()))).toEqual(
      new Set(['.first\r\n..\r\n\r\n']),
    );
  });

  test('keeps an empty message', async () => {
    sink = await startSink();
    await submit(sink.port, { ...message, data: Buffer.alloc(0) });

    expect(sink.messages.map((kept) => kept.data.length)).toEqual([0]);
  });

  test('answers LMTP for each recipient and keeps the message for those it accepted', async () => {
    const answer = (step: SinkStep, argument: string): SinkAnswer | undefined =>
      step === 'dot' && argument.startsWith('<c')
        ? { kind: 'reply', text: '550 5.1.1 Nobody' }
        : undefined;
    sink = await startSink({ protocol: 'lmtp', answer });
    const replies = await submit(sink.port, { ...message, lmtp: true });

    expect(replies).toEqual(['550 5.1.1 Nobody', '250 2.0.0 Ok: queued by sink']);
    expect(sink.messages.map((kept) => kept.to)).toEqual([['<e@f.test>']]);
  });

  test.each<SinkStep>(['greeting', 'hello', 'mail', 'rcpt', 'data', 'dot'])(
    'can refuse or drop at %s, and then keeps nothing',
    async (where) => {
      let drops = false;
      const answer = (step: SinkStep): SinkAnswer | undefined => {
        if (step !== where) return undefined;
        return drops ? { kind: 'drop' } : { kind: 'reply', text: '451 4.3.0 No' };
      };
      sink = await startSink({ answer });
      const refused = submit(sink.port, message);
      if (where === 'dot') expect(await refused).toEqual(['451 4.3.0 No']);
      else await expect(refused).rejects.toThrow('451 4.3.0 No');
      drops = true;
      await expect(submit(sink.port, message)).rejects.toThrow();

      expect(sink.messages).toHaveLength(0);
      expect(sink.connections).toBe(2);
    },
  );

  test('says when a message does not come', async () => {
    sink = await startSink();
    await expect(sink.received(1, 0.01)).rejects.toThrow('0 of 1 messages arrived in 0.01 s');
  });
});
