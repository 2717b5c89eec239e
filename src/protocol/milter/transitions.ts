/**
 * Which command of the MTA is legal when, and where it leads.
 *
 * The legal paths:
 *
 *   new ─negotiate─▶ negotiated ─connect─▶ connected ─mail─▶ mail-asked ─answered─▶ envelope
 *                        ▲                  ▲  ▲                │                      │
 *                      quit-nc              │  └────refused─────┘            header*, end-of-header
 *                  (from anywhere)          │                                         │
 *                                           └──answered── end-asked ◀─end── body ◀────┘
 *
 * `helo` and `unknown` may come between, `rcpt` and `data` while the envelope is said, macros at any
 * time. `abort` gives the message up and leads back to connected; Postfix also says it where none
 * is open. `quit` ends the connection. Whatever else comes is out of order: then nobody can tell
 * what the MTA means any more.
 *
 * Not every step is there every time: a peer that was told not to send a command does not, Sendmail
 * says `helo` behind `mail` before it aborts, and one connection has any number of messages.
 */
import type { CommandName } from './words.ts';

export type StateName =
  | 'new'
  | 'negotiated'
  | 'connected'
  | 'mail-asked'
  | 'envelope'
  | 'header'
  | 'body'
  | 'end-asked'
  | 'closed';

type Row = Readonly<Partial<Record<StateName, StateName>>>;

const anyOpen: Row = {
  connected: 'connected',
  envelope: 'envelope',
  header: 'header',
  body: 'body',
};

const table: Readonly<Record<CommandName, Row>> = {
  negotiate: { new: 'negotiated' },
  connect: { negotiated: 'connected' },
  helo: { connected: 'connected', envelope: 'envelope' },
  mail: { connected: 'mail-asked' },
  rcpt: { envelope: 'envelope' },
  data: { envelope: 'envelope' },
  unknown: { connected: 'connected', envelope: 'envelope' },
  header: { envelope: 'header', header: 'header' },
  'end-of-header': { envelope: 'body', header: 'body' },
  body: { body: 'body' },
  end: { body: 'end-asked' },
  macro: { negotiated: 'negotiated', ...anyOpen },
  abort: {
    negotiated: 'negotiated',
    connected: 'connected',
    envelope: 'connected',
    header: 'connected',
    body: 'connected',
  },
  'quit-nc': {
    negotiated: 'negotiated',
    connected: 'negotiated',
    envelope: 'negotiated',
    header: 'negotiated',
    body: 'negotiated',
  },
  quit: {
    new: 'closed',
    negotiated: 'closed',
    connected: 'closed',
    envelope: 'closed',
    header: 'closed',
    body: 'closed',
  },
};

/** Where `command` leads; undefined where it is out of order. */
export function after(state: StateName, command: CommandName): StateName | undefined {
  return table[command][state];
}

/** Whether a message is under way: it ends with its answer, or is given up. */
export function hasMessage(state: StateName): boolean {
  return state === 'envelope' || state === 'header' || state === 'body';
}
