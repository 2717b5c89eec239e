/**
 * The first thing that both sides say: which version they speak, what the filter may do, and what
 * the MTA need not send or need not wait for. The filter answers with a part of what was offered:
 * Postfix drops one that asks for more ("request mask conflict", milter8.c).
 */
import { encodeFrame } from './frame.ts';
import { actions, has, negotiateLetter, steps } from './words.ts';

/** What is offered, or agreed. */
export interface Terms {
  readonly version: number;
  /** Bits of `actions`. */
  readonly actions: number;
  /** Bits of `steps`. */
  readonly steps: number;
}

/** The newest version there is, and the oldest that we speak (Sendmail 8.12). */
const versionMax = 6;
const versionMin = 2;

const wantedActions = actions.addHeaders | actions.changeHeaders | actions.quarantine;

/**
 * Answers are wanted where ours may be no: to MAIL, and to the end. Also to the body, because
 * `skip` is one. And to each recipient and to DATA, though ours is never no (what Postfix takes in
 * without smtpd stays in its queue for ever when a recipient is refused; MILTER_README,
 * non_smtpd_milters): over TCP what comes next waits until this is acknowledged (Nagle, RFC 896), and
 * with no answer to carry the acknowledgement it is held back for 40 ms (RFC 1122 §4.2.3.2).
 */
const wantedSteps =
  steps.noUnknown |
  steps.skip |
  steps.silentConnect |
  steps.silentHelo |
  steps.silentHeader |
  steps.silentEndOfHeader |
  steps.leadingSpace;

const offerBytes = 12;

/** Undefined when `data` is no offer. What follows the three numbers is for later versions. */
export function parseOffer(data: Buffer): Terms | undefined {
  if (data.length < offerBytes) return undefined;
  return {
    version: data.readUInt32BE(0),
    actions: data.readInt32BE(4),
    steps: data.readInt32BE(8),
  };
}

/** What we agree to; undefined when the MTA is too old. */
export function agree(offer: Terms): Terms | undefined {
  if (offer.version < versionMin) return undefined;
  return {
    version: Math.min(offer.version, versionMax),
    actions: offer.actions & wantedActions,
    steps: offer.steps & wantedSteps,
  };
}

export function encodeTerms(terms: Terms): Buffer {
  const data = Buffer.alloc(offerBytes);
  data.writeUInt32BE(terms.version, 0);
  data.writeInt32BE(terms.actions, 4);
  data.writeInt32BE(terms.steps, 8);
  return encodeFrame(negotiateLetter, data);
}

/** Whether a field can be put at a place; where not, it can only be added at the end. */
export function canInsert(terms: Terms): boolean {
  return has(terms.actions, actions.addHeaders | actions.quarantine);
}

export function canAdd(terms: Terms): boolean {
  return has(terms.actions, actions.addHeaders);
}

export function canChange(terms: Terms): boolean {
  return has(terms.actions, actions.changeHeaders);
}

export function canQuarantine(terms: Terms): boolean {
  return has(terms.actions, actions.quarantine);
}
