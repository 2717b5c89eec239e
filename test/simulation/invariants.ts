/** What must hold in every run: at the instant when it can be seen, and when all is quiet. */
import { parameterOf } from '../../src/envelope.ts';
import { Quarantine } from '../../src/store/quarantine.ts';
import type { Action } from '../../src/verdict/rules.ts';
import { directories, limits, type Running } from './daemon.ts';
import type { Disk } from './disk.ts';
import type { Copy, Downstream } from './downstream.ts';
import { endsFor } from './ends.ts';
import { type Mail, messageIdIn, type Recipient } from './mail.ts';
import type { End, Network } from './network.ts';
import type { LedgerDisk } from './ledger.ts';
import { Life } from './timeline.ts';
import type { Promises, Upstream } from './upstream.ts';

export type Violation =
  /** Promised, and neither delivered nor kept; or the run never came to its end. */
  | 'lost'
  /** At the next hop twice, or there although the sender was told that it was refused. */
  | 'twice'
  /** Promised, and the ledger does not know of it: a repetition would be relayed. */
  | 'unsettled'
  /** Malware at the next hop. */
  | 'infected'
  /** At the next hop for one whose rule bans it. */
  | 'banned'
  /** Other bytes, or other recipients, than were sent. */
  | 'falsified'
  /** A final dot that nobody waited for any more. */
  | 'late dot'
  | 'leak'
  /** Not one record for each transaction. */
  | 'sum'
  /** What the daemon itself holds to be impossible. */
  | 'impossible';

export interface Broken {
  readonly violation: Violation;
  readonly text: string;
}

export interface Observed {
  readonly network: Network;
  readonly disk: Disk;
  readonly upstream: Upstream;
  readonly downstream: Downstream;
  readonly infected: Action;
  readonly ledgerDisk: LedgerDisk;
  /** Whether it may come twice, all rules being kept. */
  readonly mayRepeat: (mail: Mail, recipient: Recipient) => boolean;
  /** Whether a retry of what was handed over would be known; true where that is not promised. */
  readonly isSettled: (mail: Mail, recipient: Recipient) => boolean;
  /** Whether one recipient can be refused without the others. */
  readonly comeApart: (mail: Mail) => boolean;
  /** Whether the ledger has it that it was delivered, kept or discarded. */
  readonly isTaken: (mail: Mail, recipient: Recipient) => boolean;
}

export class Invariants implements Promises {
  readonly broken: Broken[] = [];
  #observed: Observed | undefined;

  observe(observed: Observed): void {
    this.#observed = observed;
  }

  breaks(violation: Violation, text: string): void {
    this.broken.push({ violation, text });
  }

  accepted(mail: Mail, recipients: readonly Recipient[]): void {
    const { downstream, disk, infected, network } = this.#world;
    for (const one of recipients) this.#settled(mail, one);
    const missing = recipients
      .filter((one) => copiesOf(downstream, mail, one).length === 0)
      .filter((one) => !endsFor(mail, one, infected).discarded);
    if (missing.length === 0) return;
    // As it would be found, were the power lost now.
    const files = disk.files.afterCrash();
    const clock = network.timeline.clock(new Life());
    void inQuarantine(new Quarantine({ ...quarantineIn, files, clock }), mail).then((kept) => {
      for (const one of missing) {
        const key = keyOf(one);
        if (!kept.some(({ to }) => to === key)) {
          this.breaks('lost', `2xx for ${mail.id} to ${key}, and nobody has it`);
        }
      }
    });
  }

  /** The daemon speaks to the next hop: a final dot must have somebody who waits for it. */
  watchRelay(end: End): void {
    let text = '';
    end.tap = (bytes) => {
      text += bytes.toString('latin1');
      if (!text.endsWith('\r\n.\r\n')) return;
      this.#dot(messageIdIn(text));
      text = '';
    };
  }

  /** To be asked when nothing happens any more. */
  async atTheEnd(running: Running | undefined): Promise<void> {
    const { upstream, downstream, disk, network } = this.#world;
    const clock = network.timeline.clock(new Life());
    const quarantine = new Quarantine({ ...quarantineIn, files: disk.files, clock });
    for (const mail of upstream.mails) {
      for (const one of mail.recipients) this.#fate(mail, one);
      this.#kept(mail, await inQuarantine(quarantine, mail));
    }
    for (const copy of downstream.copies) this.#copy(copy);
    this.#leaks(running);
  }

  #settled(mail: Mail, recipient: Recipient): void {
    if (this.#world.isSettled(mail, recipient)) return;
    this.breaks('unsettled', `2xx for ${mail.id} to ${keyOf(recipient)} before the ledger has it`);
  }

  #dot(id: string): void {
    const { upstream, network } = this.#world;
    const { elapsed } = network.timeline;
    const waiting = upstream.listening(id).map(({ heardAt }) => heardAt + limits.deadlineMs);
    if (!waiting.some((deadline) => elapsed <= deadline)) {
      this.breaks('late dot', `the final dot of ${id}, for which nobody waits`);
    }
  }

  #fate(mail: Mail, recipient: Recipient): void {
    const { downstream } = this.#world;
    const key = keyOf(recipient);
    const copies = copiesOf(downstream, mail, recipient).length;
    const about = `${mail.id} to ${key}`;
    if (recipient.state !== 'delivered' && recipient.state !== 'bounced') {
      this.breaks('lost', `${about} is still ${recipient.state}`);
    }
    const excused = this.#world.mayRepeat(mail, recipient);
    if (copies > 1 && !excused) this.breaks('twice', `${about} came ${copies} times`);
    if (recipient.state !== 'bounced') return;
    if (copies > 0 && !excused) this.breaks('twice', `${about} came, and was bounced`);
    const mayShare = !this.#world.comeApart(mail);
    if (!excused && !mayShare && this.#world.isTaken(mail, recipient)) {
      this.breaks('twice', `${about} was taken, as the ledger has it, and bounced`);
    }
    const isRefused = (one: Recipient): boolean =>
      endsFor(mail, one, this.#world.infected).refused || downstream.refused.has(keyOf(one));
    if (!isRefused(recipient) && !(mayShare && mail.recipients.some(isRefused))) {
      this.breaks('lost', `${about} was bounced, and nobody had refused it`);
    }
  }

  /** Whoever has it does not find it in quarantine, too, and nobody's is there without a reason. */
  #kept(mail: Mail, kept: readonly Kept[]): void {
    const { downstream, infected, mayRepeat } = this.#world;
    for (const recipient of mail.recipients) {
      const own = kept.filter(({ to }) => to === keyOf(recipient));
      if (own.length === 0) continue;
      const about = `${mail.id} to ${keyOf(recipient)}`;
      const came = copiesOf(downstream, mail, recipient).length > 0;
      if (came && !mayRepeat(mail, recipient)) this.breaks('twice', `${about} came, and was kept`);
      const byRule = own.filter(({ verdict }) => verdict !== 'unscannable');
      if (byRule.length > 0 && !endsFor(mail, recipient, infected).kept) {
        this.breaks('falsified', `${about} was kept, and no rule says so`);
      }
    }
  }

  #copy({ id, recipient, orcpt, content }: Copy): void {
    const mail = this.#world.upstream.mails.find((each) => each.id === id);
    const to = mail?.recipients.find((one) => keyOf(one) === recipient + orcpt);
    if (!mail || !to) this.breaks('falsified', `${id} for ${recipient}, who was not named`);
    else if (mail.infected) this.breaks('infected', `${id} at the next hop`);
    else if (!endsFor(mail, to, this.#world.infected).relayed) {
      this.breaks('banned', `${id} at the next hop for ${recipient}`);
    } else if (content.replace(/^X-Virus-Scanned: .*\r\n/, '') !== mail.content) {
      this.breaks('falsified', `${id} has other bytes than were sent`);
    }
  }

  #leaks(running: Running | undefined): void {
    const { network, disk, ledgerDisk } = this.#world;
    const spooled = disk.files.paths().filter((path) => path.startsWith(directories.spool));
    const held = {
      'open connections': network.open.length,
      'open files': disk.handles,
      'spool files': Math.max(0, spooled.length - disk.litter),
      sessions: running?.listener.sessions,
      'sessions in line': running && running.sessions.inside + running.sessions.waiting,
      'transactions in line': running && running.line.inside + running.line.waiting,
      scans: running?.scans.running,
      attempts: running?.once.handovers.load.attempts,
      claims: running?.once.handovers.load.claims,
      commits: ledgerDisk.waiting,
    };
    for (const [what, count] of Object.entries(held)) {
      if (count !== 0) this.breaks('leak', `${what}: ${count} (${network.open.join(' ')})`);
    }
    const [begun, told] = [running?.begun(), running?.told()];
    if (begun !== told) this.breaks('sum', `${told} records of ${begun} transactions`);
  }

  get #world(): Observed {
    if (!this.#observed) throw new Error('nothing is observed yet');
    return this.#observed;
  }
}

const quarantineIn = { directory: directories.quarantine, removed: () => undefined };

/** Address and ORCPT in one. */
function keyOf({ address, orcpt }: Recipient): string {
  return address + orcpt;
}

function copiesOf(downstream: Downstream, mail: Mail, recipient: Recipient): Copy[] {
  return downstream.copies.filter(
    (copy) => copy.id === mail.id && copy.recipient + copy.orcpt === keyOf(recipient),
  );
}

interface Kept {
  readonly to: string;
  readonly verdict: string;
}

/** The recipients for whom the message is in quarantine, whole. */
async function inQuarantine(quarantine: Quarantine, mail: Mail): Promise<Kept[]> {
  const kept: Kept[] = [];
  for (const item of await quarantine.list()) {
    if (item.kind !== 'whole' || !item.record.messageId?.includes(mail.id)) continue;
    const pieces: Buffer[] = [];
    for await (const piece of quarantine.open(item.id)) pieces.push(piece);
    if (Buffer.concat(pieces).toString('latin1') !== mail.content) continue;
    for (const path of item.record.envelope.recipients) {
      const to = path.address + (parameterOf(path, 'ORCPT')?.value ?? '');
      kept.push({ to, verdict: item.record.verdict });
    }
  }
  return kept;
}
