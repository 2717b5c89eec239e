import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { assert } from '../assert.ts';
import type { CancelSignal } from '../cancel-signal.ts';
import type { Clock } from '../clock.ts';
import type { Content } from '../content.ts';
import type { Envelope } from '../envelope.ts';
import { messageOf, OperationalError } from '../errors.ts';
import type { Coverage, Finding } from '../verdict/finding.ts';
import {
  ensureDirectory,
  prepareDirectory,
  systemCode,
  type Files,
  type Ownership,
} from './files.ts';
import { isoTime } from './iso-time.ts';
import { expiriesOf, type Expiry, type ExpiryLimits } from './quarantine-expiry.ts';
import {
  findGroups,
  pathOf,
  removeFiles,
  type Ending,
  type FileGroup,
} from './quarantine-files.ts';
import { folderOf, isQuarantineId, newQuarantineId, timeOf } from './quarantine-id.ts';
import {
  formatRecord,
  parseRecord,
  type QuarantineRecord,
  type Release,
} from './quarantine-record.ts';
import { readPieces, readWhole, writeFile } from './stored-file.ts';

/** What the engine knows of a message that goes into quarantine. */
export interface QuarantineEntry {
  readonly listener: string;
  readonly verdict: string;
  readonly coverage: Coverage;
  readonly findings: readonly Finding[];
  /** With the recipients for whom the message is taken into custody. */
  readonly envelope: Envelope;
  /** SHA-256 of the content, in hex: what is stored must come to the same. */
  readonly digest: string;
  readonly queueId?: string;
  readonly messageId?: string;
}

/** A message in quarantine; damaged when its sidecar or its bytes are not what they should be. */
export type QuarantineItem =
  | { readonly kind: 'whole'; readonly id: string; readonly record: QuarantineRecord }
  | { readonly kind: 'damaged'; readonly id: string; readonly problem: string };

/** 'leftover': of a message that was never wholly stored, or whose removal was interrupted. */
export type RemovalReason = Expiry['why'] | 'deleted' | 'released' | 'leftover';

export interface Removal {
  readonly id: string;
  readonly why: RemovalReason;
  /** Absent when there was no sidecar that could be read. */
  readonly record?: QuarantineRecord;
}

export interface QuarantineSettings {
  readonly files: Files;
  readonly directory: string;
  readonly clock: Clock;
  /** Told of everything that leaves the quarantine, whoever takes it out. Must not throw. */
  readonly removed: (removal: Removal) => void;
}

/** A store takes seconds; what is still unfinished after this long never will be. */
const leftoverMs = 24 * 60 * 60 * 1000;

/**
 * The messages in our custody: NAME.eml with the bytes as they came and NAME.json with what is known
 * of them, in folders by day. A message is there when its sidecar is: the sidecar is the last to get
 * its name and the first to lose it.
 *
 * All methods throw OperationalError STORE when a file cannot be written, removed or read.
 */
export class Quarantine {
  readonly #files: Files;
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #removed: (removal: Removal) => void;

  constructor(settings: QuarantineSettings) {
    this.#files = settings.files;
    this.#directory = settings.directory;
    this.#clock = settings.clock;
    this.#removed = settings.removed;
  }

  /** To be called at start: creates the directory where it is missing, and tries to write there. */
  async prepare(): Promise<void> {
    await prepareDirectory(this.#files, this.#directory);
  }

  /**
   * Takes a message into custody. When it resolves, the message survives a crash; when it rejects,
   * nothing of it is listed, but where the disk refuses even to remove what was wholly stored.
   *
   * @returns the message's id.
   * @throws {Cancelled} when `signal` is aborted, or the content was given up.
   */
  async store(content: Content, entry: QuarantineEntry, signal: CancelSignal): Promise<string> {
    const time = isoTime(this.#clock.now());
    const id = newQuarantineId(time);
    try {
      await ensureDirectory(this.#files, this.#folder(id));
      const stored = await this.#writeMessage(id, content.chunks(signal, 0, 1));
      const { digest, ...known } = entry;
      if (stored.sha256 !== digest) {
        throw new OperationalError('STORE', `what was stored as ${id} is not what was received`);
      }
      await this.#writeRecord({ version: 1, id, time, ...stored, ...known, releases: [] });
      return id;
    } catch (error) {
      await removeFiles(this.#files, this.#directory, id).catch(() => undefined);
      throw error;
    }
  }

  /** Every message, oldest first, the damaged ones included. */
  async list(): Promise<QuarantineItem[]> {
    const items: QuarantineItem[] = [];
    for (const group of await findGroups(this.#files, this.#directory)) {
      const item = group.endings.has('json') ? await this.#load(group) : undefined;
      if (item) items.push(item);
    }
    return items;
  }

  /** One message; undefined when there is none with this id, or it is no id at all. */
  async show(id: string): Promise<QuarantineItem | undefined> {
    return isQuarantineId(id) ? this.#load({ id, folder: folderOf(id) }) : undefined;
  }

  /** The bytes of a message that `show` or `list` has told of. */
  open(id: string): AsyncIterable<Buffer> {
    return readPieces(this.#files, this.#path(id, 'eml'));
  }

  /** Removes a message for good, damaged or not; false when there is none with this id. */
  async remove(id: string, why: RemovalReason): Promise<boolean> {
    const item = await this.show(id);
    if (!item) return false;
    await this.#remove({ id, why, ...(item.kind === 'whole' && { record: item.record }) });
    return true;
  }

  /**
   * Removes what has been kept long enough, and the leftovers of interrupted work. What is damaged
   * stays until somebody has looked at it and removes it.
   *
   * @param now milliseconds since the epoch.
   * @returns what was removed, oldest first.
   */
  async expire(limits: ExpiryLimits, now: number): Promise<Removal[]> {
    const removals: Removal[] = [];
    const whole = (await this.list()).filter((item) => item.kind === 'whole');
    const records = whole.map(({ record }) => record);
    for (const { record, why } of expiriesOf(records, limits, now)) {
      removals.push({ id: record.id, why, record });
    }
    for (const id of await this.#leftovers(now)) removals.push({ id, why: 'leftover' });
    const removed: Removal[] = [];
    let failure: { readonly error: unknown } | undefined;
    for (const removal of removals) {
      try {
        await this.#remove(removal);
        removed.push(removal);
      } catch (error) {
        // One that cannot be removed must not keep the rest.
        failure ??= { error };
      }
    }
    if (failure) throw failure.error;
    return removed;
  }

  /**
   * Writes an attempt to release a message into its sidecar, in place of what was written of the
   * same attempt (the same time) before. Whoever could read the sidecar still can: root may do the
   * release, and the daemon's user goes on with it.
   */
  async noteRelease(id: string, release: Release): Promise<void> {
    const item = await this.show(id);
    if (item?.kind !== 'whole') {
      throw new OperationalError('STORE', `${id} is not in quarantine, or damaged`);
    }
    const others = item.record.releases.filter(({ time }) => time !== release.time);
    await this.#files.unlink(this.#path(id, 'json.tmp'));
    const ownership = await this.#files.ownershipOf(this.#path(id, 'json'));
    await this.#writeRecord({ ...item.record, releases: [...others, release] }, ownership);
  }

  /** Undefined when the sidecar is gone. */
  async #load({ id, folder }: Omit<FileGroup, 'endings'>): Promise<QuarantineItem | undefined> {
    const path = join(this.#directory, folder, `${id}.json`);
    try {
      const record = await this.#examine(id, folder, path);
      return typeof record === 'string'
        ? { kind: 'damaged', id, problem: `${path}: ${record}` }
        : { kind: 'whole', id, record };
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined;
      return { kind: 'damaged', id, problem: messageOf(error) };
    }
  }

  /** The record, or what is wrong with the message. */
  async #examine(id: string, folder: string, path: string): Promise<QuarantineRecord | string> {
    if (!isQuarantineId(id)) return 'the name is not that of a quarantined message';
    if (folder !== folderOf(id)) return `belongs into the folder ${folderOf(id)}`;
    const record = parseRecord(await readWhole(this.#files, path));
    if (typeof record === 'string') return record;
    if (record.id !== id) return `speaks of another message, ${record.id}`;
    const size = await this.#files.sizeOf(this.#path(id, 'eml'));
    if (size === record.size) return record;
    return size === undefined
      ? 'the message itself is missing'
      : `the message has ${size} bytes where it should have ${record.size}`;
  }

  async #writeMessage(id: string, content: AsyncIterable<Buffer>) {
    const hash = createHash('sha256');
    let size = 0;
    async function* measured() {
      for await (const chunk of content) {
        hash.update(chunk);
        size += chunk.length;
        yield chunk;
      }
    }
    await writeFile(this.#files, this.#path(id, 'eml.tmp'), measured());
    await this.#publish(id, 'eml');
    return { size, sha256: hash.digest('hex') };
  }

  async #writeRecord(record: QuarantineRecord, ownership?: Ownership): Promise<void> {
    const path = this.#path(record.id, 'json.tmp');
    await writeFile(this.#files, path, [formatRecord(record)], ownership);
    await this.#publish(record.id, 'json');
  }

  /** Gives a whole file its final name, durably. */
  async #publish(id: string, ending: 'eml' | 'json'): Promise<void> {
    await this.#files.rename(this.#path(id, `${ending}.tmp`), this.#path(id, ending));
    await this.#files.syncDirectory(this.#folder(id));
  }

  async #leftovers(now: number): Promise<string[]> {
    const old = isoTime(Math.max(0, now - leftoverMs));
    const groups = await findGroups(this.#files, this.#directory);
    return groups
      .filter(({ id, folder }) => isQuarantineId(id) && folder === folderOf(id))
      .filter(({ id, endings }) => !endings.has('json') && timeOf(id) < old)
      .map(({ id }) => id);
  }

  /** It is told of as soon as it is no longer listed, even if what is left cannot be removed. */
  async #remove(removal: Removal): Promise<void> {
    await removeFiles(this.#files, this.#directory, removal.id, () => {
      this.#removed(removal);
    });
  }

  #path(id: string, ending: Ending): string {
    assert(isQuarantineId(id), 'paths are made of ids only');
    return pathOf(this.#directory, id, ending);
  }

  #folder(id: string): string {
    return join(this.#directory, folderOf(id));
  }
}
