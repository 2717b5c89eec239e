/**
 * The daemon's disk: each operation takes time before it is done, and again before it is known to
 * be done, so that the daemon can die at either point. What a dead daemon asked for does not
 * happen any more.
 */
import type { Files, OpenFile } from '../../src/store/files.ts';
import { OperationalError } from '../../src/errors.ts';
import { MemoryFiles } from '../support/memory-files.ts';
import type { Life, Timeline } from './timeline.ts';
import type { Weather } from './weather.ts';

export class Disk {
  files = new MemoryFiles();
  /** Files that the daemon has open. */
  handles = 0;
  /** Names that could not be removed, and lie about until somebody tidies up. */
  litter = 0;
  readonly #timeline: Timeline;
  readonly #weather: Weather;
  #brokenUntil = 0;

  constructor(timeline: Timeline, weather: Weather) {
    this.#timeline = timeline;
    this.#weather = weather;
  }

  /** The kernel keeps what a process has written; a power loss takes what was not synced. */
  crash(powerLoss: boolean): void {
    this.handles = 0;
    if (!powerLoss) return;
    this.files = this.files.afterCrash(() => this.#weather.below(4, 'survives the loss') === 1);
  }

  /** The disk as one daemon uses it. */
  mount(life: Life): Files {
    const { files } = this;
    const at = <Result>(what: string, work: () => Promise<Result>): Promise<Result> =>
      this.#operate(what, work, life);
    const opened = (file: OpenFile): OpenFile => {
      this.handles++;
      return {
        append: (bytes) => at('append', () => file.append(bytes)),
        readAt: (target, position) => at('read', () => file.readAt(target, position)),
        sync: () => at('sync', () => file.sync()),
        close: () => {
          this.handles--;
          return file.close();
        },
      };
    };
    return {
      create: (path, owner) => at('create', async () => opened(await files.create(path, owner))),
      open: (path) => at('open', async () => opened(await files.open(path))),
      rename: (from, to) => at('rename', () => files.rename(from, to)),
      unlink: (path) => at('unlink', () => files.unlink(path)),
      makeDirectory: (path) => at('mkdir', () => files.makeDirectory(path)),
      syncDirectory: (path) => at('sync directory', () => files.syncDirectory(path)),
      list: (path) => files.list(path),
      sizeOf: (path) => files.sizeOf(path),
      ownershipOf: (path) => files.ownershipOf(path),
    };
  }

  async #operate<Result>(what: string, work: () => Promise<Result>, life: Life): Promise<Result> {
    await this.#timeline.pause(this.#weather.delay('disk'), `disk ${what}`, life);
    const fails = this.#fails();
    if (fails && what === 'unlink') this.litter++;
    const result = fails ? failure(what) : work();
    // Its failure is heard later, too.
    result.catch(() => undefined);
    await this.#timeline.pause(0, `disk ${what} done`, life);
    return result;
  }

  #fails(): boolean {
    if (this.#weather.calm) return false;
    if (this.#timeline.elapsed < this.#brokenUntil) return true;
    const fails = this.#weather.happens('disk');
    if (fails && this.#weather.happens('disk stays broken')) {
      this.#brokenUntil = this.#timeline.elapsed + this.#weather.below(600_000, 'disk is broken');
    }
    return fails;
  }
}

function failure(what: string): Promise<never> {
  const cause = Object.assign(new Error(`ENOSPC: ${what}`), { code: 'ENOSPC' });
  return Promise.reject(new OperationalError('STORE', `cannot ${what}: ENOSPC`, { cause }));
}
