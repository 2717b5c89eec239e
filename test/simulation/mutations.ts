/**
 * The daemon broken on purpose, a part at a time: the proof that the simulation would see it. What
 * is broken is a wrapper around a part of the daemon; src/ knows nothing of it.
 */
import type { Delivery, NextHop } from '../../src/relay/next-hop.ts';
import { reply } from '../../src/protocol/smtp/reply.ts';
import type { Mutation } from './mutation.ts';

export const mutations: Readonly<Record<string, Mutation>> = {
  /** 250 is said before the next hop has answered. */
  'answer before next hop': {
    seenAs: ['lost'],
    parts: deliveries((delivery) => ({
      send: (content, signal) => {
        void delivery.send(content, signal).catch(() => undefined);
        return Promise.resolve([{ kind: 'reply', reply: reply(250, '2.0.0', 'Ok') }]);
      },
    })),
  },
  /** A lost reply to the final dot is taken for success. */
  'believe a lost reply': {
    seenAs: ['lost'],
    parts: deliveries((delivery) => ({
      send: async (content, signal) => {
        const results = await delivery.send(content, signal);
        const good = { kind: 'reply', reply: reply(250, '2.0.0', 'Ok') } as const;
        return results.map((result) => (result.kind === 'unknown' ? good : result));
      },
    })),
  },
  /** Once the content is here, whoever goes away goes unheard. */
  'no cancel on disconnect': {
    seenAs: ['late dot'],
    transaction: (transaction) => {
      const finish = transaction.finish.bind(transaction);
      transaction.finish = (violations) => {
        transaction.abandon = () => undefined;
        return finish(violations);
      };
    },
  },
  /** 250 is said while the quarantine is still writing. */
  'answer before quarantine': {
    seenAs: ['lost'],
    parts: (parts) => {
      const { quarantine } = parts;
      const store = quarantine.store.bind(quarantine);
      quarantine.store = (content, entry, signal) => {
        void store(content, entry, signal).catch(() => undefined);
        return Promise.resolve('20260101T000000000Z-000000000000');
      };
      return parts;
    },
  },
  'say everything twice': {
    seenAs: ['falsified'],
    parts: deliveries((delivery) => ({
      send: (content, signal) => delivery.send(() => twice(content()), signal),
    })),
  },
  /** Over LMTP, or SMTP with recipients refused: the first answer is given to all. */
  'one answer for all': {
    seenAs: ['lost', 'twice'],
    parts: deliveries((delivery) => ({
      send: async (content, signal) => {
        const results = await delivery.send(content, signal);
        return results.map((result) => results[0] ?? result);
      },
    })),
  },
  /** A recipient that the next hop refuses is taken all the same. */
  'accept refused recipients': {
    seenAs: ['lost'],
    parts: deliveries((delivery) => ({
      recipient: async (path) => {
        await delivery.recipient(path);
        return { kind: 'reply', reply: reply(250, '2.1.5', 'Ok') };
      },
    })),
  },
  /** A scan that failed counts as clean. */
  'pass unscanned': {
    seenAs: ['infected'],
    scanner: (scanner) => ({
      scan: async (content, signal) => {
        const report = await scanner.scan(content, signal);
        const findings = report.findings.filter(({ kind }) => kind !== 'unavailable');
        return { ...report, findings };
      },
    }),
  },
  /** Whatever was scanned last counts for what comes next. */
  'join the scan of other bytes': {
    seenAs: ['infected', 'lost'],
    parts: (parts) => {
      const { scans } = parts;
      const [find, publish] = [scans.find.bind(scans), scans.publish.bind(scans)];
      scans.find = () => find('any');
      scans.publish = (_, running) => {
        publish('any', running);
      };
      return parts;
    },
  },
  /** A scan that nobody waits for any more holds its content for good. */
  'keep the content of orphans': {
    seenAs: ['leak'],
    parts: (parts) => {
      parts.scans.orphan = () => new Promise(() => undefined);
      return parts;
    },
  },
  'forget to sync quarantine files': {
    seenAs: ['lost'],
    files: (files) => ({
      ...files,
      create: async (path, owner) => {
        const file = await files.create(path, owner);
        return { ...file, sync: () => Promise.resolve() };
      },
    }),
  },
  'forget to sync directories': {
    seenAs: ['lost'],
    files: (files) => ({ ...files, syncDirectory: () => Promise.resolve() }),
  },
  /** One place in the line is never given back. */
  'leak a place': {
    seenAs: ['leak'],
    parts: (parts) => {
      const { line } = parts;
      const enter = line.enter.bind(line);
      let entered = 0;
      line.enter = async (signal) => {
        const leave = await enter(signal);
        return ++entered === 2 && leave ? () => undefined : leave;
      };
      return parts;
    },
  },
  'leak spool files': {
    seenAs: ['leak'],
    parts: (parts) => ({
      ...parts,
      openSpool: () => {
        const spool = parts.openSpool();
        spool.dispose = () => undefined;
        return spool;
      },
    }),
  },
  'tell nobody of what was abandoned': {
    seenAs: ['sum'],
    parts: (parts) => ({
      ...parts,
      observe: (record) => {
        if (record.outcome !== 'abandoned') parts.observe(record);
      },
    }),
  },
};

async function* twice(chunks: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  for await (const chunk of chunks) yield Buffer.concat([chunk, chunk]);
}

/** Puts something in place of methods of each delivery. */
function deliveries(
  change: (delivery: Delivery) => Partial<Delivery>,
): NonNullable<Mutation['parts']> {
  return (parts) => ({
    ...parts,
    nextHop: withBegin(parts.nextHop, (opening, signal) => {
      const delivery = parts.nextHop.begin(opening, signal);
      return {
        mail: delivery.mail,
        recipient: (path) => delivery.recipient(path),
        send: (content, aborted) => delivery.send(content, aborted),
        abort: () => {
          delivery.abort();
        },
        ...change(delivery),
      };
    }),
  });
}

function withBegin(nextHop: NextHop, begin: NextHop['begin']): NextHop {
  return {
    address: nextHop.address,
    flavour: nextHop.flavour,
    begin,
    close: () => {
      nextHop.close();
    },
  };
}
