/** The bodies that are open while a source goes by: where each began, and where it may end. */
import type { DecoderName } from './decoder.ts';
import type { Encoding, Evidence } from './evidence.ts';
import type { BodyStart } from './header-block.ts';
import type { FoundList } from './found-list.ts';

interface Body extends BodyStart {
  readonly evidence: Evidence;
  /** Offsets where some readers see its end; the last one is where all do. */
  readonly ends: number[];
  /** Is a message that is taken apart: as a whole it begins with a header, and was seen so. */
  isContainer: boolean;
}

interface Chain {
  readonly decoders: readonly DecoderName[];
  readonly odd: boolean;
}

export interface SurveyLimits {
  /** Readings of one message: what is found in one source is no more than that. */
  readonly readingsMax: number;
  /** Places where a body begins. */
  readonly bodiesMax: number;
  /** Bodies that are open at once. */
  readonly openMax: number;
}

/** Of the places where one body may end, how many are tried. */
const endsMax = 3;

export class Bodies {
  readonly #found: FoundList;
  readonly #limits: SurveyLimits;
  #open: Body[] = [];
  /** Those that the last delimiter ended, unless what follows belongs to them. */
  #closing: Body[] = [];
  #count = 0;
  /** Encodings of multiparts and messages, which RFC 2045 §6.4 forbids; parts may inherit them. */
  readonly #inherited = new Set<Encoding>();

  constructor(found: FoundList, limits: SurveyLimits) {
    this.#found = found;
    this.#limits = limits;
  }

  /** Whether a header that begins where the newest body does is that of a declared message. */
  get newestIsMessage(): boolean {
    return this.#open.at(-1)?.evidence.isMessage ?? false;
  }

  /** The newest bodies are messages whose header was found. */
  contain(): void {
    const newest = this.#open.at(-1);
    if (newest !== undefined) newest.isContainer = true;
  }

  open(start: BodyStart, evidence: Evidence): void {
    if (++this.#count > this.#limits.bodiesMax) {
      this.#found.exceeded ??= `more than ${this.#limits.bodiesMax} places where a body begins`;
      return;
    }
    if (this.#open.length >= this.#limits.openMax) {
      this.#found.exceeded ??= `more than ${this.#limits.openMax} bodies within each other`;
      const oldest = this.#open.shift();
      if (oldest !== undefined) this.#finish(oldest, start.from);
    }
    this.#open.push({ ...start, evidence, ends: [], isContainer: false });
  }

  inherit(evidence: Evidence): void {
    const said: readonly Encoding[] = evidence.oddEncoding
      ? ['base64', 'quoted-printable']
      : [...evidence.encodings];
    for (const encoding of said) {
      if (encoding !== 'as it stands') this.#inherited.add(encoding);
    }
  }

  /** A line where some readers see the end of all that is open. */
  mayEnd(at: number): void {
    for (const body of this.#open) addEnd(body, at);
  }

  /** A line where all readers see it, if what follows looks like it (`settle`). */
  end(at: number): void {
    this.mayEnd(at);
    this.#closing = this.#open;
    this.#open = [];
  }

  /** Whether `settle` is awaited. */
  get isClosing(): boolean {
    return this.#closing.length > 0;
  }

  /** @param continues whether the line behind the delimiter looks like more of the body. */
  settle(continues: boolean): void {
    if (this.#closing.length === 0) return;
    if (continues) this.#open = [...this.#closing, ...this.#open];
    else for (const body of this.#closing) this.#finish(body);
    this.#closing = [];
  }

  /** The end of the source. */
  finish(at: number): void {
    this.settle(false);
    for (const body of this.#open) this.#finish(body, at);
    this.#open = [];
  }

  #finish(body: Body, at?: number): void {
    if (at !== undefined) addEnd(body, at);
    const last = body.ends.at(-1);
    const chains = this.#chains(body.evidence);
    for (const to of body.ends) {
      if (to <= body.from) continue;
      const odd = body.odd || to !== last;
      for (const chain of chains) {
        if (body.isContainer && chain.decoders[0] === 'as it stands') continue;
        this.#add(body, to, { ...chain, odd: odd || chain.odd });
      }
    }
  }

  #add({ from, why, evidence }: Body, to: number, { decoders, odd }: Chain): void {
    const [first = 'as it stands', ...rest] = decoders;
    const steps = [
      { from, to, decoder: first },
      ...rest.map((decoder) => ({ from: 0, to: undefined, decoder })),
    ];
    this.#found.add({ steps, why, odd, declared: evidence.declared });
  }

  /** How the body may be decoded, by what its header says. */
  #chains(evidence: Evidence): Chain[] {
    const chains = this.#encodings(evidence);
    const texts: DecoderName[] = [...evidence.charsets];
    if (evidence.isBinHex) texts.push('BinHex');
    if (evidence.joinsLines) texts.push('flowed text, joined');
    const asText = chains.flatMap(({ decoders, odd }) =>
      texts.map((text) => ({ decoders: [...decoders, text], odd })),
    );
    return [...chains, ...asText];
  }

  #encodings({ encodings, oddEncoding }: Evidence): Chain[] {
    const all: DecoderName[] = ['as it stands', 'base64', 'quoted-printable', 'uuencode'];
    if (oddEncoding) return all.map((name) => ({ decoders: [name], odd: true }));
    const [encoding] = encodings;
    if (encoding !== undefined) return [{ decoders: [encoding], odd: false }];
    const inherited = [...this.#inherited].map((name) => ({ decoders: [name], odd: true }));
    return [{ decoders: ['as it stands'], odd: false }, ...inherited];
  }
}

function addEnd({ ends }: Body, at: number): void {
  if (ends.at(-1) === at) return;
  // The first ones and the last one: what lies between is much the same.
  if (ends.length === endsMax) ends.pop();
  ends.push(at);
}
