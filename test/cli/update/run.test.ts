/** A whole update against stand-ins for all that it asks, which fail at each step in turn. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Canceller } from '../../../src/cancel-signal.ts';
import type { Canary, ClamdQuestions } from '../../../src/cli/update/clamd-questions.ts';
import { forecast } from '../../../src/cli/update/dry-run.ts';
import type { DaemonControl, EndpointReport } from '../../../src/cli/update/daemon-control.ts';
import { updateLimits } from '../../../src/cli/update/limits.ts';
import type { LocalClamd } from '../../../src/cli/update/local-clamds.ts';
import type { ProcessFacts } from '../../../src/cli/update/machine.ts';
import type { UpdateParts } from '../../../src/cli/update/parts.ts';
import type { End, StepName } from '../../../src/cli/update/plan.ts';
import type { Ended } from '../../../src/cli/update/programs.ts';
import { endText, exitCodeOf, stepText } from '../../../src/cli/update/report.ts';
import { type UpdateReport, UpdateRun } from '../../../src/cli/update/run.ts';
import type { TrialResult } from '../../../src/cli/update/trial.ts';
import { versionOf } from '../../../src/cli/update/version.ts';
import { parseConfig } from '../../../src/daemon/config.ts';
import { Cancelled, OperationalError } from '../../../src/errors.ts';
import { type Folder, makeFolder, tomlWith } from '../../support/config-file.ts';
import { addressOf } from '../../support/fake-clamd.ts';
import { unsignedDatabase } from '../../support/private-clamd.ts';
import { jumpingClock } from '../../support/jumping-clock.ts';

const MiB = 2 ** 20;
const names = ['unix:/a', 'unix:/b'];
const version = (number: number) => versionOf(`ClamAV 1.4.6/${number}/Thu Nov 20 2025`);

/** One clamd, its process and the daemon's view of it. */
class Stand {
  number = 100;
  /** What it has after it was told to load; undefined: it never answers again. */
  loads: number | undefined = 101;
  isAway = false;
  runsHere = true;
  residentBytes = 1000 * MiB;
  conf = new Map([['SelfCheck', '0']]);
  canary: Canary = { kind: 'right' };
  reloadFails = false;
  inflight = 0;
  draining = false;
  /** The daemon finds it ready when it has been given back. */
  isAccepted = true;
}

class World {
  readonly log: string[] = [];
  readonly stands = new Map(names.map((name) => [name, new Stand()]));
  availableBytes: number | undefined = 4000 * MiB;
  daemonRuns = true;
  daemonKnows = true;
  drainFails = false;
  resumeFails = false;
  program: Ended = { code: 0, output: 'daily.cld updated (version: 101)\n' };
  trialResult: TrialResult = {
    kind: 'loads',
    version: version(101) ?? neverHappens(),
    tookMs: 5000,
  };
  /** Told before each question: a place for something to happen. */
  before: (what: string) => void = () => undefined;

  note(what: string): void {
    this.before(what);
    this.log.push(what);
  }

  of(name: string): Stand {
    return this.stands.get(name) ?? neverHappens();
  }
}

function neverHappens(): never {
  throw new Error('the test asks for what it has not made');
}

let folder: Folder;
let world: World;
let off: Canceller;

beforeEach(() => {
  folder = makeFolder();
  mkdirSync(join(folder.path, 'db'));
  mkdirSync(join(folder.path, 'state'));
  mkdirSync(join(folder.path, 'new'));
  writeFileSync(join(folder.path, 'db/daily.cud'), unsignedDatabase(101, ''));
  world = new World();
  off = new Canceller();
});
afterEach(() => {
  folder.remove();
});

const questions: ClamdQuestions = {
  version: ({ name }) => {
    world.note(`version ${name}`);
    const stand = world.of(name);
    return Promise.resolve(stand.isAway ? undefined : version(stand.number));
  },
  reload: ({ name }) => {
    world.note(`reload ${name}`);
    const stand = world.of(name);
    if (stand.reloadFails) return Promise.reject(new OperationalError('CLAMD', 'ECONNRESET'));
    if (stand.loads === undefined) stand.isAway = true;
    else stand.number = stand.loads;
    return Promise.resolve();
  },
  canary: ({ name }) => {
    world.note(`canary ${name}`);
    return Promise.resolve(world.of(name).canary);
  },
};

const control: DaemonControl = {
  endpoints: () => {
    world.note('status');
    if (!world.daemonRuns) return Promise.resolve(undefined);
    const all = [...world.stands].map(([endpoint, stand]): EndpointReport => {
      const state = stand.draining ? 'draining' : stand.isAccepted ? 'ready' : 'lying';
      const { inflight, draining } = stand;
      return { endpoint, ok: true, detail: 'words', state, inflight, draining };
    });
    return Promise.resolve(world.daemonKnows ? all : []);
  },
  drain: (name) => {
    world.note(`drain ${name}`);
    if (!world.daemonRuns) return Promise.resolve('nobody');
    if (!world.daemonKnows) return Promise.resolve('unknown');
    if (world.drainFails) return Promise.reject(new OperationalError('CLAMD', '503 not now'));
    world.of(name).draining = true;
    return Promise.resolve('drained');
  },
  resume: (name) => {
    world.note(`resume ${name}`);
    if (world.resumeFails) return Promise.reject(new OperationalError('CLAMD', '503 not now'));
    world.of(name).draining = false;
    return Promise.resolve('resumed');
  },
};

function processOf(name: string): ProcessFacts {
  const { residentBytes } = world.of(name);
  return { pid: 7, name: 'clamd', residentBytes, swapBytes: 0, command: [] };
}

function found(name: string): LocalClamd | undefined {
  const { runsHere, conf } = world.of(name);
  if (!runsHere) return undefined;
  const all = new Map([['DatabaseDirectory', join(folder.path, 'db')], ...conf]);
  return { confFile: '/etc/clamd.conf', conf: all, process: processOf(name) };
}

function parts(more = ''): UpdateParts {
  const { update } = parseConfig(
    tomlWith(`[clamd]
endpoints = ${JSON.stringify(names)}
[update]
database_directory = "${folder.path}/db"
delivered_directory = "${folder.path}/new"
state_directory = "${folder.path}/state"
${more}`),
    'f',
  );
  const ended = () => Promise.resolve(world.program);
  return {
    config: update,
    endpoints: names.map(addressOf),
    limits: updateLimits,
    clock: jumpingClock(),
    random: () => 0.5,
    ...{ questions, control, signal: off.signal, freshclamConfFiles: [] },
    machine: {
      availableBytes: () => world.availableBytes,
      processes: () => names.map(processOf),
      groupRoomBytes: () => undefined,
    },
    clamds: { find: ({ name }) => found(name) },
    programs: {
      start: (command) => {
        world.note(command.join(' '));
        if (command[0] === 'systemctl') {
          const unit = command.at(-1) === 'b.service' ? 'unix:/b' : 'unix:/a';
          world.of(unit).number = 101;
          world.of(unit).isAway = false;
        }
        return { pid: 1, ended: ended(), stop: ended };
      },
    },
    trial: {
      run: (directory) => {
        world.note(`trial of ${readdirSync(directory).join(' ')}`);
        return Promise.resolve(world.trialResult);
      },
    },
  };
}

async function update(more = ''): Promise<UpdateReport> {
  const run = new UpdateRun(parts(more), () => undefined);
  return run.run();
}

/** What was done, without questions, and without what only prolongs a lease. */
function deeds(): string[] {
  const done = world.log.filter((what) => !/^(?:version|status|canary)/.test(what));
  return done.filter((what, at) => {
    const drains = done.slice(0, at).lastIndexOf(what);
    const resumes = done.slice(0, at).lastIndexOf(what.replace('drain', 'resume'));
    return !what.startsWith('drain') || drains === -1 || resumes > drains;
  });
}
const stepOf = ({ steps }: UpdateReport, name: StepName) => steps.find(({ step }) => step === name);

test('all goes well', async () => {
  const report = await update();
  expect([report.end, exitCodeOf(report)]).toEqual(['updated', 0]);
  expect(deeds()).toEqual([
    '/usr/bin/freshclam --stdout',
    'trial of daily.cud',
    ...names.flatMap((name) => [`drain ${name}`, `reload ${name}`, `resume ${name}`]),
  ]);
  expect(report.endpoints).toEqual(
    names.map((endpoint) => ({ endpoint, state: 'updated', before: 100, after: 101 })),
  );
  expect(world.log.filter((what) => what.startsWith('canary'))).toEqual([
    'canary unix:/a',
    'canary unix:/b',
  ]);
});

test('never two are drained, and none while another is not yet accepted', async () => {
  const both: string[] = [];
  world.before = (what) => {
    const held = [...world.stands].filter(([, { draining }]) => draining);
    if (held.length > 1) both.push(what);
  };
  await update();
  expect(both).toEqual([]);
});

describe('what fails, where it ends, and what is told', () => {
  test.each<[string, string, () => void, End, number, RegExp]>([
    [
      'freshclam fails',
      '',
      () => (world.program = { code: 58, output: 'ERROR: no mirror\n' }),
      'not-brought',
      69,
      /freshclam ended with 58: ERROR: no mirror/,
    ],
    [
      'another freshclam runs',
      '',
      () => (world.program = { code: 62, output: 'freshclam.log is locked by another process' }),
      'not-brought',
      69,
      /systemctl disable --now clamav-freshclam/,
    ],
    [
      'freshclam does not end',
      '',
      () => (world.program = { code: 0, output: '', problem: 'not done after 3600 s' }),
      'not-brought',
      69,
      /not done after/,
    ],
    [
      'the signatures do not load',
      '',
      () => (world.trialResult = { kind: 'bad', why: 'Malformed database' }),
      'not-loadable',
      1,
      /Malformed database[^]*no clamd was touched[^]*would not come up/,
    ],
    [
      'they have to be tried, and memory is short',
      'check = "yes"',
      () => (world.availableBytes = 1255 * MiB),
      'not-checked',
      75,
      /could not be checked: it needs 1256M more, and only 1255M are available/,
    ],
    [
      'they have to be tried, and no clamd tells its size',
      'check = "yes"',
      () => {
        world.stands.forEach((stand) => (stand.runsHere = false));
      },
      'not-checked',
      75,
      /no clamd runs here/,
    ],
    [
      'memory is short for a reload',
      '',
      () => (world.availableBytes = 1255 * MiB),
      'no-memory',
      75,
      /a concurrent reload needs 1256M more[^]*ConcurrentDatabaseReload no[^]*the largest processes/,
    ],
    ['the daemon refuses', '', () => (world.drainFails = true), 'not-drained', 69, /503 not now/],
    [
      'it does not take the order',
      '',
      () => (world.of('unix:/a').reloadFails = true),
      'not-told',
      69,
      /ECONNRESET/,
    ],
    [
      'it does not come back',
      '',
      () => (world.of('unix:/a').loads = undefined),
      'not-back',
      69,
      /does not answer after 900 s[^]*were not touched/,
    ],
    [
      'it keeps what it had',
      '',
      () => (world.of('unix:/a').loads = 100),
      'not-back',
      69,
      /has 100, and not 101 after 900 s/,
    ],
    [
      'it loses its signatures',
      '',
      () => (world.of('unix:/a').loads = 4_294_967_295),
      'not-back',
      69,
      /lost its signatures/,
    ],
    [
      'it lies',
      '',
      () => (world.of('unix:/a').canary = { kind: 'lying', words: 'EICAR: "stream: OK"' }),
      'lying',
      69,
      /EICAR: "stream: OK"/,
    ],
    [
      'it scans nothing',
      '',
      () => (world.of('unix:/a').canary = { kind: 'failed', words: 'no answer' }),
      'not-back',
      69,
      /no answer/,
    ],
    [
      'the daemon does not want it back',
      '',
      () => (world.of('unix:/a').isAccepted = false),
      'not-accepted',
      69,
      /gives it no mail: lying/,
    ],
    [
      'a unit does not restart',
      'source = "none"\nrestart = { "unix:/a" = "a.service" }',
      () => (world.program = { code: 1, output: 'Job for a.service failed\n' }),
      'not-told',
      69,
      /systemctl ended with 1: Job for a.service failed[^]*systemctl status a.service/,
    ],
    [
      'it is still at work, and would be restarted',
      'restart = { "unix:/a" = "a.service" }',
      () => (world.of('unix:/a').inflight = 3),
      'not-idle',
      75,
      /3 streams have not ended[^]*drain_time/,
    ],
  ])('%s', async (_, more, arrange, end, code, words) => {
    arrange();
    const report = await update(more);
    expect([report.end, exitCodeOf(report)]).toEqual([end, code]);
    expect(report.steps.map((step) => stepText(step, 0)).join('\n')).toMatch(words);
    // Whatever it was: nothing stays drained, and the second has what it had.
    expect([...world.stands.values()].map(({ draining }) => draining)).toEqual([false, false]);
    expect(world.of('unix:/b').number).toBe(100);
    expect(report.endpoints[1]?.state).toBe('not-reached');
    expect(endText(report)).toContain('stopped: ');
    expect(readdirSync(join(folder.path, 'state'))).not.toContain('loaded');
  });
});

describe('what is done all the same, and said', () => {
  test.each<[string, string, () => void, StepName, RegExp]>([
    [
      'no daemon runs',
      '',
      () => (world.daemonRuns = false),
      'drain',
      /no daemon runs: not drained/,
    ],
    [
      'the daemon has no such endpoint',
      '',
      () => (world.daemonKnows = false),
      'drain',
      /does not use it/,
    ],
    [
      'it is still at work, and a reload lets that end',
      '',
      () => (world.of('unix:/a').inflight = 3),
      'idle',
      /3 streams have not ended; a reload lets them/,
    ],
    [
      'it runs elsewhere',
      '',
      () => (world.of('unix:/a').runsHere = false),
      'measure',
      /its memory cannot be looked at/,
    ],
    [
      'nothing can be known of memory',
      '',
      () => (world.availableBytes = undefined),
      'check',
      /could not be checked: the system does not say/,
    ],
    [
      'the trial came to nothing',
      '',
      () => (world.trialResult = { kind: 'unknown', why: 'not loaded after 900 s' }),
      'check',
      /could not be checked: not loaded/,
    ],
    ['no trial is wanted', 'check = "no"', () => undefined, 'check', /not checked/],
    [
      'mail waits meanwhile',
      '',
      () => (world.of('unix:/b').isAccepted = false),
      'drain',
      /no other endpoint is ready, so mail waits/,
    ],
    ['it begins by lot', 'window = "1h"', () => undefined, 'wait', /^1800 s, by lot$/],
  ])('%s', async (_, more, arrange, step, words) => {
    arrange();
    const report = await update(more);
    expect(stepOf(report, step)?.text).toMatch(words);
    expect(world.of('unix:/a').number).toBe(101);
    expect(report.endpoints[0]?.state).toBe('updated');
  });
});

test('what the daemon says of the moment before the drain is not believed', async () => {
  let looks = 0;
  const stale: DaemonControl = {
    ...control,
    endpoints: async () => {
      const all = await control.endpoints();
      // Three times as it was: nothing there, and not drained.
      return ++looks > 4 ? all : all?.map((one) => ({ ...one, draining: false }));
    },
  };
  await new UpdateRun({ ...parts(), control: stale }, () => undefined).run();
  const before = world.log.slice(0, world.log.indexOf('reload unix:/a'));
  expect(before.filter((what) => what === 'status')).toHaveLength(5);
});

test('one whose process is gone is not waited for as long as a load may take', async () => {
  world.of('unix:/a').loads = undefined;
  world.before = (what) => {
    if (what === 'reload unix:/a') world.of('unix:/a').runsHere = false;
  };
  const report = await update();
  expect(stepOf(report, 'ready')?.text).toBe('its process has ended, and none came after');
  expect(stepOf(report, 'ready')?.tookMs).toBeLessThan(60_000);
});

test('a blocking reload needs no memory', async () => {
  world.availableBytes = 1;
  for (const { conf } of world.stands.values()) conf.set('ConcurrentDatabaseReload', 'no');
  expect((await update('check = "no"')).end).toBe('updated');
});

test('a restart needs no memory, and mends one that is away', async () => {
  world.availableBytes = 1;
  world.of('unix:/a').isAway = true;
  const units = '{ "unix:/a" = "a.service", "unix:/b" = "b.service" }';
  const report = await update(`source = "none"\ncheck = "no"\nrestart = ${units}`);
  expect(report.end).toBe('updated');
  expect(deeds()).toEqual([
    ...['drain unix:/a', 'systemctl --no-ask-password restart a.service', 'resume unix:/a'],
    ...['drain unix:/b', 'systemctl --no-ask-password restart b.service', 'resume unix:/b'],
  ]);
});

test.each<[string, () => void]>([
  [
    'is away',
    () => {
      const stand = world.of('unix:/a');
      stand.isAway = true;
      stand.runsHere = false;
    },
  ],
  ['has lost its signatures', () => (world.of('unix:/a').number = 4_294_967_295)],
])(
  'one that %s is passed over: the others are updated, and that is not all well',
  async (_, arrange) => {
    arrange();
    const report = await update();
    expect(report.endpoints.map(({ state }) => state)).toEqual(['passed-over', 'updated']);
    expect([report.end, exitCodeOf(report)]).toEqual(['updated', 69]);
    expect(deeds()).not.toContain('reload unix:/a');
    expect(readdirSync(join(folder.path, 'state'))).not.toContain('loaded');
  },
);

describe('nothing new', () => {
  beforeEach(async () => {
    await update();
    world.log.length = 0;
  });

  test('since the last one: nothing is touched', async () => {
    const report = await update();
    expect([report.end, exitCodeOf(report), endText(report)]).toEqual([
      'nothing-new',
      0,
      'nothing to do',
    ]);
    expect(deeds()).toEqual(['/usr/bin/freshclam --stdout']);
  });

  test.each<[string, string, () => void]>([
    ['but a file of others', '', () => folder.write('db/x.hdb', '')],
    ['but one clamd is behind', '', () => (world.of('unix:/b').number = 100)],
    ['but it was asked for', 'source = "none"', () => undefined],
    ['but something is delivered', 'source = "delivered"', () => folder.write('new/x.hdb', '')],
  ])('%s', async (_, more, arrange) => {
    arrange();
    expect((await update(more)).end).toBe('updated');
  });
});

describe('what was delivered', () => {
  beforeEach(() => {
    folder.write('new/daily.cvd', 'newest');
  });

  test('is tried as it will be, then installed', async () => {
    world.of('unix:/a').loads = world.of('unix:/b').loads = 102;
    const report = await update('source = "delivered"');
    expect(report.end).toBe('updated');
    expect(world.log).toContain('trial of daily.cvd');
    expect(readdirSync(join(folder.path, 'db'))).toEqual(['daily.cvd']);
  });

  test('is not installed where it does not load', async () => {
    world.trialResult = { kind: 'bad', why: 'Malformed database' };
    const report = await update('source = "delivered"');
    expect(report.end).toBe('not-loadable');
    expect(stepOf(report, 'check')?.advice).toContain(
      `nothing was installed: mend what lies in ${folder.path}/new`,
    );
    expect(readdirSync(join(folder.path, 'db'))).toEqual(['daily.cud']);
  });

  test('cannot be taken', async () => {
    rmSync(join(folder.path, 'new'), { recursive: true });
    const report = await update('source = "delivered"');
    expect([report.end, exitCodeOf(report)]).toEqual(['not-brought', 69]);
  });

  test('has nowhere to go', async () => {
    const more = 'source = "delivered"\ncheck = "no"';
    const before = parts(more);
    const run = new UpdateRun(
      { ...before, config: { ...before.config, databaseDirectory: '/proc' } },
      () => undefined,
    );
    const report = await run.run();
    expect([report.end, exitCodeOf(report)]).toEqual(['not-installed', 74]);
  });
});

describe('called off', () => {
  const places = ['freshclam', 'trial', 'drain unix:/a', 'reload unix:/a', 'canary unix:/a'];
  test.each([...places, 'resume unix:/a', 'drain unix:/b', 'reload unix:/b'])(
    'at %s',
    async (place) => {
      world.before = (what) => {
        if (what.includes(place)) off.abort(new Cancelled('shutdown'));
      };
      const report = await update();
      expect([report.end, exitCodeOf(report)]).toEqual(['interrupted', 75]);
      const drained = [...world.stands.values()].map(({ draining }) => draining);
      expect(drained).toEqual([false, false]);
      const last = deeds().filter((what) => !what.startsWith('resume'));
      expect(last.at(-1)).toContain(place.replace(/(?:canary|resume) (.*)/, 'reload $1'));
    },
  );

  test('while it waits for a clamd: that is given back, no other is touched', async () => {
    world.of('unix:/a').loads = undefined;
    world.before = (what) => {
      if (what === 'version unix:/a' && world.of('unix:/a').isAway) {
        off.abort(new Cancelled('shutdown'));
      }
    };
    const report = await update();
    expect([report.end, exitCodeOf(report)]).toEqual(['interrupted', 75]);
    expect(deeds().slice(2)).toEqual(['drain unix:/a', 'reload unix:/a', 'resume unix:/a']);
    expect(report.endpoints.map(({ state }) => state)).toEqual(['failed', 'not-reached']);
  });

  test('and the daemon does not answer: the lease is said', async () => {
    world.of('unix:/a').loads = undefined;
    world.resumeFails = true;
    const report = await update();
    expect(stepOf(report, 'release')?.text).toContain('drained for 120 s more');
  });
});

test('a fault of ours is thrown, after what was drained has been given back', async () => {
  const broken = parts();
  const canary = (): never => {
    throw new TypeError('broken');
  };
  const run = new UpdateRun({ ...broken, questions: { ...questions, canary } }, () => undefined);
  await expect(run.run()).rejects.toThrow('broken');
  expect(deeds().at(-1)).toBe('resume unix:/a');
});

describe('what would have a clamd reload by itself', () => {
  test('is said', async () => {
    world.of('unix:/a').conf.set('SelfCheck', '600');
    const conf = folder.write(
      'freshclam.conf',
      'DatabaseOwner clamav\nNotifyClamd /etc/clamd.conf\n',
    );
    const plain = { ...parts(), freshclamConfFiles: [conf, '/none'] };
    const report = await new UpdateRun(plain, () => undefined).run();
    expect(stepOf(report, 'look')?.advice).toEqual([
      expect.stringContaining('set SelfCheck 0 in /etc/clamd.conf'),
      expect.stringContaining(`remove NotifyClamd from ${conf}`),
    ]);
  });

  test('is not there', async () => {
    expect(stepOf(await update(), 'look')?.advice).toEqual([]);
  });
});

describe('--dry-run', () => {
  test('says what would be done, and does none of it', async () => {
    const before = readdirSync(folder.path, { recursive: true });
    const lines = await forecast(parts('restart = { "unix:/b" = "b.service" }\nwindow = "1h"'));
    expect(lines.map(({ about, would }) => `${about}: ${would}`)).toEqual([
      'wait: begin at a random time within 3600 s',
      'bring: run /usr/bin/freshclam --stdout',
      expect.stringContaining('look: '),
      'check: be loaded by /usr/sbin/clamd in a process of its own first',
      expect.stringMatching(/^unix:\/a: a concurrent reload needs 1256M more.*told RELOAD/),
      expect.stringMatching(/^unix:\/b: b.service is restarted.*restarted \(b.service\)/),
    ]);
    expect(deeds()).toEqual([]);
    expect(readdirSync(folder.path, { recursive: true })).toEqual(before);
  });

  test('says where it would stop', async () => {
    world.availableBytes = 0;
    const lines = await forecast(parts('source = "delivered"'));
    expect(lines.filter(({ stops }) => stops).map(({ about }) => about)).toEqual(names);
    expect(lines[3]?.would).toMatch(/^not be checked: it needs/);
    expect(lines[1]?.would).toContain(`${folder.path}/new`);
  });
});

test('a line for each step, with the time and how long it took', async () => {
  const lines: string[] = [];
  await new UpdateRun(parts(), (step) => lines.push(stepText(step, 0))).run();
  expect(lines[1]).toMatch(/^00:00:00 bring {3}daily.cld updated \(version: 101\) \(\d+\.\d s\)$/);
  expect(lines.find((line) => line.includes(' load '))).toContain('load    unix:/a: RELOADING');
  expect(readFileSync(join(folder.path, 'state/loaded'), 'utf8')).toMatch(/^[0-9a-f]{64}\n$/);
});
