/**
 * Plays a case as an MTA brings it to a Milter. In lockstep it is an MTA that can leave no step out
 * and waits for an answer to each; else one that offers all that there is, as Postfix does.
 */
import { createHash } from 'node:crypto';
import { expect } from '@jest/globals';
import { frame, negotiation, postfixOffer } from '../protocol/milter/mta.ts';
import type { CommandStep, Expectation, MessageStep, Step } from './case.ts';
import { sendDuring } from './incidents.ts';
import { bodyFrames, changed, fieldFrame, type TakenApart, takeApart } from './milter-message.ts';
import type { Player, Scene } from './play.ts';

const offersNothing = negotiation(6, 0x1ff, 0);
const stampField = 'X-Virus-Scanned: clamgate\r\n';

export class MilterPlayer implements Player {
  readonly #scene: Scene;
  #xforward: Record<string, string> = {};
  #isConnected = false;
  #sender = '';
  #recipients: string[] = [];

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  async take(step: Step): Promise<void> {
    switch (step.kind) {
      case 'xforward':
        if (this.#isConnected) throw new Error('a Milter hears of its client once');
        for (const word of step.text.split(' ')) {
          const [name = '', value = ''] = word.split('=');
          this.#xforward[name.toLowerCase()] = value;
        }
        return;
      case 'mail':
        await this.#mail(step);
        return;
      case 'rcpt':
        expect(step.replies.milter).toEqual(['250']);
        this.#recipients.push(addressIn(step.text));
        await this.#tell([pathFrame('R', step.text)], ['c']);
        return;
      case 'say':
        if (step.text !== 'RSET') throw new Error(`no Milter is told of ${step.text}`);
        await this.#tell([frame('A')], []);
        this.#forget();
        return;
      case 'message':
        await this.#message(step);
    }
  }

  hear(): Promise<void> {
    return Promise.resolve();
  }

  /** Whether this MTA waits for an answer to each step. */
  get #waits(): boolean {
    return this.#scene.manner === 'lockstep';
  }

  async #connect(): Promise<void> {
    if (this.#isConnected) return;
    this.#isConnected = true;
    const { name = 'client.example', addr = '192.0.2.1', port = '', helo } = this.#xforward;
    const family = addr.includes(':') ? '6' : '4';
    // 0 where it is not known.
    const known = Number(/^\d+$/.exec(port)?.[0] ?? 0);
    const number = String.fromCharCode(known >> 8, known & 255);
    const connect = frame('C', `${name}\0${family}${number}${addr}\0`);
    const offer = this.#waits ? offersNothing : postfixOffer;
    if (this.#scene.negotiated !== true) await this.#tell([offer], ['O']);
    await this.#tell([connect, frame('H', `${helo ?? name}\0`)], this.#waits ? ['c', 'c'] : []);
  }

  async #mail({ text, replies: { milter } }: CommandStep): Promise<void> {
    await this.#connect();
    this.#forget();
    this.#sender = addressIn(text);
    const [reply = ''] = milter;
    const heard = reply === '250' ? 'c' : `y${reply}`;
    await this.#tell([this.#macros('M'), pathFrame('M', text)], [heard]);
  }

  /** Postfix tells of its queue id from the first recipient on, and we do not mind when. */
  #macros(letter: string): Buffer {
    return frame('D', `${letter}i\0${this.#xforward['ident'] ?? '4XyZ12abcd'}\0`);
  }

  /** What is said, and how each of the answers begins. */
  async #tell(frames: readonly Buffer[], answers: readonly string[]): Promise<void> {
    await this.#scene.client.send(Buffer.concat(frames));
    for (const answer of answers) {
      expect((await this.#heard()).slice(0, answer.length)).toBe(answer);
    }
  }

  async #heard(): Promise<string> {
    const { world, client } = this.#scene;
    for (;;) {
      await world.until(() => client.heard.length > 0 || client.ended, 'an answer');
      const said = client.heard.shift() ?? 'closed';
      if (said !== 'p') return said;
    }
  }

  async #message(step: MessageStep): Promise<void> {
    const expected = step.expected.get('milter');
    if (!expected) throw new Error('nothing is expected of the Milter');
    const { world } = this.#scene;
    const before = world.records.length;
    const told = takeApart(step.content);
    const changes = await this.#content(told, step, expected);
    await world.until(() => world.records.length > before, 'a record');
    this.#checkRecord(step, expected);
    if (expected.outcome === 'relayed') this.#checkTaken(step, told, changes);
    expect([world.nextHop.connections, await world.quarantined()]).toEqual([[], []]);
    this.#forget();
  }

  /** @returns what it wants changed. */
  async #content(told: TakenApart, step: MessageStep, expected: Expectation): Promise<string[]> {
    const header = [...told.fields.map((field) => fieldFrame(field, !this.#waits)), frame('N')];
    await this.#tell(header, this.#waits ? header.map(() => 'c') : []);
    const body = bodyFrames(told.body);
    // What is to happen in mid-content is to happen once that has come.
    const waits = this.#waits || step.during?.stage === 'data';
    if (waits) await this.#bodyByBody(body);
    const sending = { body: Buffer.concat(waits ? [] : body), end: frame('E') };
    await sendDuring(this.#scene, sending, step.during);
    const changes: string[] = [];
    for (let due = waits ? 0 : body.length; due > 0; due--) {
      expect(await this.#heard()).toMatch(/^[cs]$/);
    }
    for (const reply of expected.replies) {
      let said = await this.#heard();
      for (; /^[imhq]/.test(said); said = await this.#heard()) changes.push(said);
      expect(inWords(said, changes).slice(0, reply.length)).toBe(reply);
    }
    return changes;
  }

  /** As an MTA does that waits for each answer; behind SMFIR_SKIP it sends no more. */
  async #bodyByBody(frames: readonly Buffer[]): Promise<void> {
    for (const one of frames) {
      await this.#scene.client.send(one);
      const said = await this.#heard();
      expect(said).toMatch(/^[cs]$/);
      if (said === 's') break;
    }
  }

  #checkRecord({ content }: MessageStep, { outcome }: Expectation): void {
    const record = this.#scene.world.records.at(-1);
    const recipients = this.#recipients.map((address) => ({ address }));
    expect(record).toMatchObject({ outcome, sender: this.#sender, recipients });
    const { name, addr, helo } = this.#xforward;
    const port = /^\d+$/.exec(this.#xforward['port'] ?? '')?.[0];
    const client = { name, addr: addr?.replace(/^IPV6:/, ''), port, helo };
    const known = Object.entries(client).filter(([, value]) => value !== undefined);
    expect(record?.client).toMatchObject(Object.fromEntries(known));
    // What was scanned are the bytes of the message.
    if (outcome !== 'relayed' || content.length === 0) return;
    expect(record?.digest).toBe(createHash('sha256').update(content).digest('hex'));
  }

  #checkTaken(step: MessageStep, told: TakenApart, changes: readonly string[]): void {
    const { arrangement } = this.#scene.world;
    const field = arrangement.set.has('header off') ? '' : stampField;
    const content = Buffer.concat([Buffer.from(field), changed(told, [])]);
    const arrives = step.arrives ?? content;
    expect(changed(told, changes).toString('latin1')).toBe(arrives.toString('latin1'));
  }

  #forget(): void {
    this.#recipients = [];
  }
}

function inWords(said: string, changes: readonly string[]): string {
  const isHeld = changes.some((change) => change.startsWith('q'));
  if (said === 'a') return isHeld ? 'quarantine' : 'accept';
  if (said === 'd') return 'discard';
  return said.startsWith('y') ? said.slice(1) : said;
}

/** `<a@example.net> SIZE=100`: the path and its parameters, each ended by NUL. */
function pathFrame(letter: string, text: string): Buffer {
  const [, path = '', parameters = ''] = /^(<.*?>) ?(.*)$/.exec(text) ?? [];
  const words = [path, ...parameters.split(' ').filter(Boolean)];
  return frame(letter, Buffer.from(words.map((word) => `${word}\0`).join('')));
}

function addressIn(path: string): string {
  return /^<(.*?)>/.exec(path)?.[1] ?? '';
}
