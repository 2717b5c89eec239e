/**
 * What is seen in a message besides what clamd says: parts and readings that are encrypted, and
 * such as a rule bans, by what they are called, what they are, and what an archive has in it. Each
 * byte string is told of once, under the name of the stream that it was scanned as.
 */
import { scratchBytes } from '../inspect/blocks.ts';
import { type Inspection, Inspector } from '../inspect/inspector.ts';
import { defaultInspectLimits } from '../limits.ts';
import { type BannedRule, rulesAgainst, type Thing } from '../verdict/banned.ts';
import type { Finding } from '../verdict/finding.ts';
import type { Pace } from './pace.ts';
import type { ShownContent } from './scanner.ts';

export interface InspectionSettings {
  readonly banned: readonly BannedRule[];
  /** Whether what was seen is kept, to be shown. */
  readonly show: boolean;
  readonly pace: Pace;
}

/** A stream, and the names and types that the part is given. */
export interface NamedThing {
  readonly stream: string;
  readonly names: Iterable<string>;
  readonly types: Iterable<string>;
}

interface DetailedThing extends Thing {
  readonly detail: string;
}

/** What it costs to hold a thing to the rules, as that of so many bytes that are looked through. */
const askedBytes = 1024;
/** Of the things that the same rules ban in one stream, how many the finding names. */
const namedMax = 3;
/** What a finding says of one thing, which a sender may have called anything. */
const detailCharsMax = 200;
/** Names in archives that are shown of one stream. */
const shownNamesMax = 100;

export class Inspections {
  readonly shown: ShownContent[] = [];
  readonly #findings: Finding[];
  readonly #settings: InspectionSettings;
  /** One for all, as one file is inspected at a time. */
  #scratch: Buffer | undefined;
  readonly #told = new Set<string>();
  /** Names and types that were held to the rules. */
  readonly #asked = new Set<string>();

  /** @param findings to add to. */
  constructor(findings: Finding[], settings: InspectionSettings) {
    this.#findings = findings;
    this.#settings = settings;
  }

  /** Begins with a file; the one before has ended. */
  begin(): Inspector {
    this.#scratch ??= Buffer.allocUnsafeSlow(scratchBytes);
    return new Inspector({ limits: defaultInspectLimits, lists: this.#looksInto }, this.#scratch);
  }

  /** @param digest of the bytes. */
  async tell(stream: string, digest: string, inspection: Inspection): Promise<void> {
    if (this.#told.has(digest)) return;
    this.#told.add(digest);
    const { encrypted, entries, incomplete, head } = inspection;
    for (const detail of encrypted) this.#findings.push({ kind: 'encrypted', stream, detail });
    for (const detail of this.#gapsOf(inspection)) {
      this.#findings.push({ kind: 'partial', reason: 'archive', stream, detail });
    }
    if (!this.#looksInto) return;
    const type = await typeOf(head);
    const isUnlisted = incomplete !== undefined;
    const things: DetailedThing[] = [
      ...(type === undefined
        ? []
        : [{ realTypes: [type.mime, type.ext], detail: `is ${type.mime}` }]),
      ...(isUnlisted ? [{ isUnlisted, detail: `names not read: ${incomplete}` }] : []),
      ...entries.map((name) => ({ names: [name], isInArchive: true, detail: `holds ${name}` })),
    ];
    await this.#ask(stream, things);
    if (this.#settings.show) this.#show(stream, inspection, type?.mime);
  }

  /** Holds what a part is called to the rules. */
  async named({ stream, names, types }: NamedThing): Promise<void> {
    if (this.#settings.banned.length === 0) return;
    const isNew = (text: string): boolean => !this.#asked.has(text) && !!this.#asked.add(text);
    const newNames = [...names].filter((name) => isNew(`name ${name}`));
    const things = [
      ...newNames.map((name) => ({ names: [name], detail: `is called ${name}` })),
      ...newNames.flatMap(unpackedName),
      ...[...types]
        .filter((type) => isNew(`type ${type}`))
        .map((type) => ({ types: [type], detail: `is declared ${type}` })),
    ];
    await this.#ask(stream, things);
  }

  #gapsOf(inspection: Inspection): string[] {
    const { unopened } = inspection;
    const packed = unopened && `packed as clamd does not unpack it: ${unopened}`;
    return [packed, this.#unreadOf(inspection)].filter((gap) => gap !== undefined);
  }

  /**
   * What was not looked at although a rule depends on it. Where a rule about archives that cannot
   * be listed holds for everybody, that one decides.
   */
  #unreadOf({ incomplete, unseen }: Inspection): string | undefined {
    if (unseen !== undefined) return `perhaps encrypted, with names not read: ${unseen}`;
    const { banned } = this.#settings;
    if (incomplete === undefined || !banned.some(asksForEntries)) return undefined;
    return banned.some(decidesUnlisted) ? undefined : `names not read: ${incomplete}`;
  }

  get #looksInto(): boolean {
    return this.#settings.banned.length > 0 || this.#settings.show;
  }

  /** One finding for all things of a stream that the same rules are against. */
  async #ask(stream: string, things: readonly DetailedThing[]): Promise<void> {
    const found = new Map<string, { rules: readonly string[]; details: string[]; more: number }>();
    for (const thing of things) {
      await this.#settings.pace.spent(askedBytes + (thing.names?.[0]?.length ?? 0));
      const rules = rulesAgainst(thing, this.#settings.banned);
      if (rules.length === 0) continue;
      const key = JSON.stringify(rules);
      const same = found.get(key) ?? { rules, details: [], more: 0 };
      if (same.details.length < namedMax) same.details.push(thing.detail.slice(0, detailCharsMax));
      else same.more++;
      found.set(key, same);
    }
    for (const { rules, details, more } of found.values()) {
      const rest = more > 0 ? `, and ${more} more` : '';
      const detail = `${rules.join(', ')}: ${details.join(', ')}${rest}`;
      this.#findings.push({ kind: 'banned', rules, stream, detail });
    }
  }

  #show(stream: string, { entries, incomplete }: Inspection, type: string | undefined): void {
    if (type === undefined && entries.length === 0 && incomplete === undefined) return;
    this.shown.push({
      stream,
      ...(type !== undefined && { type }),
      names: entries.slice(0, shownNamesMax),
      namesLeftOut: Math.max(0, entries.length - shownNamesMax),
      ...(incomplete !== undefined && { incomplete }),
    });
  }
}

/** What holds one file is called as that is, with an ending of its own: gunzip(1) takes it off. */
function unpackedName(name: string): DetailedThing[] {
  // What may follow is left off by who saves it, as in verdict/file-name.
  const inner = /^(.*)\.(?:gz|bz2|xz|lzma|zst|z)[\s./\\]*$/is.exec(name)?.[1];
  if (inner === undefined) return [];
  return [{ names: [inner], isInArchive: true, detail: `is ${inner}, packed` }];
}

function asksForEntries({ inArchives, names, tricks }: BannedRule): boolean {
  return inArchives && names.length + tricks.length > 0;
}

function decidesUnlisted({ unlisted, listeners, senders, recipients }: BannedRule): boolean {
  return unlisted && listeners.length + senders.length + recipients.length === 0;
}

/** What the content is by its first bytes; undefined where they tell nothing, as of any text. */
async function typeOf(head: Buffer): Promise<{ mime: string; ext: string } | undefined> {
  // Loaded where there is a rule that asks for it; not within the try, for then no rule would hold.
  const { fileTypeFromBuffer } = await import('file-type');
  try {
    const type = await fileTypeFromBuffer(head);
    return type !== undefined && byTwoLetters.has(type.ext) && isText(head) ? undefined : type;
  } catch {
    // It looks further than the first bytes into some formats, and does not find what it expects.
    return undefined;
  }
}

/** Files that are known by two letters, with which a text may begin, too: 'MZ', 'BM'. */
const byTwoLetters: ReadonlySet<string> = new Set(['exe', 'bmp']);
/**
 * In as much of them stands where their next header or their pixels are, which is above what any message
 * has where that holds none but characters of text.
 */
const binaryBytes = 64;

function isText(head: Buffer): boolean {
  return !/[\0-\x08\x0b\x0e-\x1f\x7f]/.test(head.toString('latin1', 0, binaryBytes));
}
