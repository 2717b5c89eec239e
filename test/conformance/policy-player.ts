/**
 * Plays a case as Postfix's smtpd asks about it (SMTPD_POLICY_README): at each RCPT, and at
 * END-OF-MESSAGE where a recipient was accepted. It sees no content, and no message comes through.
 */
import { expect } from '@jest/globals';
import type { CommandStep, MessageStep, Step } from './case.ts';
import type { Player, Scene } from './play.ts';

export class PolicyPlayer implements Player {
  readonly #scene: Scene;
  readonly #unsent: string[] = [];
  readonly #unheard: string[] = [];
  #client: Record<string, string> = {};
  #sender = '';
  #declared = 0;
  #recipients = 0;

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  async take(step: Step): Promise<void> {
    switch (step.kind) {
      case 'xforward':
        for (const word of step.text.split(' ')) {
          const [name = '', value = ''] = word.split('=');
          this.#client[name.toLowerCase()] = value;
        }
        return;
      case 'mail':
        this.#sender = addressIn(step.text);
        this.#declared = Number(/ SIZE=(\d+)/.exec(step.text)?.[1] ?? 0);
        return;
      case 'rcpt':
        await this.#recipient(step);
        return;
      case 'say':
        if (step.text !== 'RSET') throw new Error(`no policy request tells of ${step.text}`);
        this.#recipients = 0;
        return;
      case 'message':
        await this.#message(step);
    }
  }

  async hear(): Promise<void> {
    const { world, client } = this.#scene;
    await client.send(Buffer.from(this.#unsent.splice(0).join('')));
    for (const expected of this.#unheard.splice(0)) {
      await world.until(() => client.heard.length > 0 || client.ended, 'an action');
      const action = client.heard.shift() ?? 'closed without an action';
      expect(action.slice(0, expected.length)).toBe(expected);
    }
  }

  async #recipient({ text, replies: { policy } }: CommandStep): Promise<void> {
    const [action = ''] = policy;
    const asked = { protocol_state: 'RCPT', recipient: addressIn(text), size: this.#declared };
    await this.#ask(asked, action === '250' ? 'DUNNO' : action);
    if (action === '250') this.#recipients++;
  }

  /** Behind RCPTs that were all refused nothing is asked: DATA is refused, too. */
  async #message({ content, expected }: MessageStep): Promise<void> {
    const [action] = expected.get('policy')?.replies ?? [];
    expect(this.#recipients > 0).toBe(action !== undefined);
    const more = {
      recipient_count: this.#recipients,
      size: content.length,
      queue_id: '4XyZ12abcd',
    };
    if (action !== undefined)
      await this.#ask({ protocol_state: 'END-OF-MESSAGE', ...more }, action);
    await this.hear();
    const { records, nextHop } = this.#scene.world;
    expect([records, nextHop.messages]).toEqual([[], []]);
    this.#recipients = 0;
  }

  async #ask(more: Readonly<Record<string, string | number>>, action: string): Promise<void> {
    const attributes = {
      request: 'smtpd_access_policy',
      protocol_name: 'ESMTP',
      client_address: this.#client['addr'] ?? '192.0.2.1',
      client_name: this.#client['name'] ?? 'unknown',
      helo_name: this.#client['helo'] ?? 'client.example',
      sender: this.#sender,
      ...more,
    };
    const lines = Object.entries(attributes).map(([name, value]) => `${name}=${value}\n`);
    this.#unsent.push(`${lines.join('')}\n`);
    this.#unheard.push(action);
    if (this.#scene.manner === 'lockstep') await this.hear();
  }
}

function addressIn(path: string): string {
  return /^<(.*?)>/.exec(path)?.[1] ?? '';
}
