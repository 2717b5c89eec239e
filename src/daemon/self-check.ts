/**
 * Whether our own listeners still answer, seen as a peer sees them: connect, hear a reply, QUIT. An
 * event loop that turns is not yet a daemon that takes mail.
 */
import { connect, type Socket } from 'node:net';
import type { Clock } from '../clock.ts';
import type { SocketAddress } from '../socket-address.ts';
import { isWildcard } from './config-address.ts';

/** Where a listener can be connected to. */
export interface Door {
  /** As the configuration has it. */
  readonly name: string;
  readonly address: SocketAddress;
}

export interface SelfChecked {
  /** Answered before and do not answer now. */
  readonly silent: readonly string[];
  /** Have never answered, for what lies between may not let us through. */
  readonly unreached: readonly string[];
}

/** Far above what a busy event loop needs, and below a quarter of WatchdogSec=60. */
const answerMs = 10_000;

/** After QUIT, until a peer that does not close is left anyway. */
const lingerMs = 5000;
/** The longest greeting that is waited for; ours is far shorter (RFC 5321 §4.5.3.1.5). */
const replyBytesMax = 512;

export class SelfCheck {
  readonly #clock: Clock;
  /** Only what has answered once is missed: a firewall is no reason to be killed for ever. */
  readonly #answered = new Set<string>();
  /** Checks that are under way. */
  readonly #open = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * @param isCrowded whether connections wait for their greeting because all places are taken: then
   * to be connected is enough. Never rejects.
   */
  async look(doors: readonly Door[], isCrowded: () => boolean): Promise<SelfChecked> {
    const silent: string[] = [];
    const unreached: string[] = [];
    await Promise.all(
      doors.map(async ({ name, address }) => {
        if (await this.#answers(address, isCrowded)) this.#answered.add(name);
        else (this.#answered.has(name) ? silent : unreached).push(name);
      }),
    );
    return { silent, unreached };
  }

  /** Nothing is waited for any more: in a socket that systemd holds we would wait for our successor. */
  close(): void {
    for (const giveUp of this.#open) giveUp();
  }

  #answers(address: SocketAddress, isCrowded: () => boolean): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(reachable(address));
      const end = (answer: boolean): void => {
        this.#open.delete(giveUp);
        timer.cancel();
        if (answer) this.#leave(socket);
        else socket.destroy();
        resolve(answer);
      };
      const timer = this.#clock.after(answerMs, () => {
        end(!socket.connecting && isCrowded());
      });
      const giveUp = (): void => {
        end(false);
      };
      this.#open.add(giveUp);
      let heard = '';
      socket.setEncoding('latin1').on('data', (text: string) => {
        heard += text;
        if (heard.includes('\n') || heard.length > replyBytesMax) end(/^[245]\d\d/.test(heard));
      });
      socket.once('error', giveUp).once('end', giveUp);
    });
  }

  /** What is said to QUIT is nobody's business. */
  #leave(socket: Socket): void {
    socket.removeAllListeners('data').on('error', () => undefined);
    socket.resume().end('QUIT\r\n');
    const timer = this.#clock.after(lingerMs, () => socket.destroy());
    socket.once('close', () => {
      timer.cancel();
    });
  }
}

/** A listener on all addresses is reached on the loopback one. */
function reachable(address: SocketAddress): SocketAddress {
  if ('path' in address || !isWildcard(address.host)) return address;
  return { host: address.host === '0.0.0.0' ? '127.0.0.1' : '::1', port: address.port };
}
