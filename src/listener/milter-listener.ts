import type { MilterEngine } from '../engine/milter-engine.ts';
import { defaultMilterLimits } from '../protocol/milter/contract.ts';
import { MilterSession } from '../protocol/milter/milter-session.ts';
import { drive } from './drive.ts';
import type { Inbox } from './inbox.ts';
import { MilterHandler } from './milter.ts';
import { type ListenerSurroundings, SocketListener } from './socket-listener.ts';

/** What a reload of the configuration may change. */
export interface MilterListenerSettings {
  /** Takes the messages, also the next ones of sessions that are open. */
  readonly engine: MilterEngine;
}

/** After this the handler is asked whether a silent MTA may be so. */
const sessionIdleMs = 300_000;
/**
 * From our last word to a refusal to wait any longer: libmilter's own (7210 s). A client that is slow
 * over its envelope keeps its MTA, and with it us, waiting.
 */
const sessionTurnMs = 7_210_000;

/**
 * One address on which the Milter protocol is spoken. An MTA connects for each of its clients, and
 * hears nothing until there is room.
 */
export class MilterListener extends SocketListener {
  settings: MilterListenerSettings;

  constructor(settings: MilterListenerSettings, surroundings: ListenerSurroundings) {
    super(surroundings);
    this.settings = settings;
  }

  protected override async converse(inbox: Inbox, welcome: boolean): Promise<void> {
    const { clock, stopping, onFault } = this.surroundings;
    if (!welcome || stopping.aborted) {
      // Before the negotiation there is no word for it; the MTA defers by itself.
      inbox.socket.destroy();
      return;
    }
    const session = new MilterSession(defaultMilterLimits);
    const engine = (): MilterEngine => this.settings.engine;
    const handler = new MilterHandler(session, { engine, clock, stopping, onFault });
    this.atWork.add(handler);
    await drive(inbox, session, handler, { clock, sessionIdleMs, sessionTurnMs, stopping }).finally(
      () => this.atWork.delete(handler),
    );
  }
}
