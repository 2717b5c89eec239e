/** With --json every command prints one JSON document on stdout, whatever came of it. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { systemClock } from '../../src/clock.ts';
import { nodeFiles } from '../../src/store/files.ts';
import { Quarantine } from '../../src/store/quarantine.ts';
import { makeFolder, tomlWith, type Folder } from '../support/config-file.ts';
import { startControl, type TestControl } from '../support/control.ts';
import { FakeClamd } from '../support/fake-clamd.ts';
import { entry, LedgerBench } from '../support/ledgers.ts';
import { MemoryContent } from '../support/memory-content.ts';
import { message, text } from '../support/messages.ts';
import { runCli } from '../support/run-cli.ts';
import { startSink, type Sink } from '../support/sink.ts';

let folder: Folder;
let daemon: TestControl;
let bench: LedgerBench;
let clamd: FakeClamd;
let server: Sink;

beforeAll(async () => {
  folder = makeFolder();
  bench = await LedgerBench.make();
  daemon = await startControl(`${folder.path}/control.sock`);
  clamd = await FakeClamd.start();
  server = await startSink();
  folder.write('m.eml', message(text()));
  folder.write('bad.toml', '[nonsense]');
  folder.write('ill.toml', tomlWith(`[clamd]\nendpoints = ["unix:${folder.path}/none.sock"]`));
  folder.write('c.toml', configWith('control.sock', bench.file));
  folder.write('alone.toml', configWith('none.sock', `${folder.path}/none.db`));
  const ledger = await bench.open();
  await ledger.commit([{ kind: 'begin', entries: [entry({ state: 'in-doubt' })] }]);
});
afterAll(async () => {
  await server.stop();
  await clamd.stop();
  await daemon.control.close();
  await bench.remove();
  folder.remove();
});

function configWith(control: string, ledger: string): string {
  return tomlWith(`[control]
address = "unix:${folder.path}/${control}"
[clamd]
endpoints = ["${clamd.address.name}"]
[quarantine]
directory = "${folder.path}/q"
[update]
database_directory = "${folder.path}/signatures"
state_directory = "${folder.path}/update"
[ledger]
file = "${ledger}"`);
}

/** A message in quarantine. */
function stored(): Promise<string> {
  const directory = `${folder.path}/q`;
  const removed = () => undefined;
  const quarantine = new Quarantine({ files: nodeFiles, directory, clock: systemClock, removed });
  const bytes = message(text());
  const path = { address: 'a@x.test', parameters: [] };
  return quarantine.store(
    MemoryContent.of(bytes),
    {
      ...{ listener: '127.0.0.1:10024', verdict: 'infected', coverage: 'full', findings: [] },
      envelope: { client: {}, reversePath: path, recipients: [path] },
      digest: createHash('sha256').update(bytes).digest('hex'),
    },
    new AbortController().signal,
  );
}

const anything: unknown = expect.anything();
const failed = { error: expect.stringMatching(/\S/) as unknown };

/** $DIR, $SERVER and $ID (of a message in quarantine) are filled in. */
const table: readonly (readonly [string, number, unknown])[] = [
  ['check-config', 0, { file: anything, ok: true, advice: anything }],
  ['check-config -c $DIR/bad.toml', 78, { ok: false, problems: anything, ...failed }],
  ['check-config -c $DIR/none.toml', 78, { file: anything, ok: false, ...failed }],
  ['check-config -c $DIR', 78, { file: anything, ok: false, ...failed }],
  ['serve -c $DIR/bad.toml', 78, { problems: anything, ...failed }],
  ['status', 0, { ready: true }],
  ['status -c $DIR/alone.toml', 69, failed],
  ['status -c $DIR/bad.toml', 78, failed],
  [
    'doctor -c $DIR/ill.toml --postfix-directory $DIR',
    1,
    { healthy: false, counts: anything, findings: anything },
  ],
  ['doctor -c $DIR/bad.toml', 78, { healthy: false, findings: [anything] }],
  ['scan $DIR/m.eml', 0, [{ verdict: anything }]],
  ['scan $DIR/none.eml', 66, [failed]],
  ['scan $DIR/m.eml $DIR/none.eml', 66, [{ verdict: anything }, failed]],
  ['scan - -', 64, failed],
  ['scan', 64, failed],
  ['inject --to a@x.test --server $SERVER --wait 0s', 75, { fate: 'unknown' }],
  ['inject --to a@x.test --server unix:$DIR/none', 69, failed],
  ['inject --to a@x.test --server nowhere', 64, failed],
  ['inject --to nobody', 64, failed],
  ['inject --to a@x.test --file $DIR/none', 66, failed],
  ['inject --to a@x.test --wait soon', 64, failed],
  ['quarantine', 64, failed],
  ['quarantine list', 0, []],
  ['quarantine list -c $DIR/bad.toml', 78, failed],
  ['quarantine show $ID', 0, { kind: 'whole' }],
  ['quarantine show nothing', 1, failed],
  ['quarantine show', 64, failed],
  ['quarantine release $ID --next-hop unix:$DIR/none', 69, [{ results: [anything] }]],
  ['quarantine release nothing', 1, [{ refused: anything }]],
  ['quarantine release $ID --next-hop nowhere', 64, failed],
  ['quarantine delete $ID', 0, { removed: [anything], missing: [] }],
  ['quarantine delete nothing $ID', 1, { removed: [anything], missing: ['nothing'] }],
  ['quarantine expire', 0, { removed: [] }],
  ['quarantine expire --nonsense', 64, failed],
  ['ledger', 64, failed],
  ['ledger list', 0, { entries: [anything], more: 0 }],
  ['ledger list --state nonsense', 64, failed],
  ['ledger list -c $DIR/bad.toml', 78, failed],
  ['ledger list -c $DIR/alone.toml', 74, failed],
  ['ledger show 4Xy1', 0, { entries: [anything], meanings: [anything] }],
  ['ledger show nothing', 1, failed],
  ['ledger settle a1 --delivered', 1, { outcome: 'nothing-open', entries: [] }],
  ['ledger settle a1', 64, failed],
  ['ledger compact', 0, { before: anything, after: anything }],
  ['ledger compact -c $DIR/alone.toml', 74, failed],
  ['postfix', 0, { mainCf: anything, masterCf: anything }],
  ['postfix -c $DIR/bad.toml', 78, failed],
  ['postfix --diff --config-directory $DIR', 78, failed],
  ['postfix --diff --apply', 64, failed],
  ['update --window soon', 64, failed],
  ['update -c $DIR/bad.toml', 78, failed],
  ['update --reload-only', 69, { end: anything, steps: anything, endpoints: [anything] }],
  ['update --reload-only --dry-run', 0, { dryRun: true, steps: anything }],
  ['witness --socket nowhere', 64, failed],
  ['nonsense', 64, failed],
  ['', 64, failed],
];

test.each(table)('%s: %i', async (line, expected, document) => {
  const id = line.includes('$ID') ? await stored() : '';
  const filled = `${line.includes(' -c ') ? '' : '-c $DIR/c.toml '}--json ${line}`
    .replaceAll('$DIR', folder.path)
    .replace('$SERVER', `127.0.0.1:${server.port}`)
    .replace('$ID', id);
  const args = filled.split(' ').filter((word) => word !== '');
  const { code, out } = await runCli(args, { clock: systemClock });
  if (id !== '') await runCli(['-c', `${folder.path}/c.toml`, 'quarantine', 'delete', id]);
  expect(code).toBe(expected);
  expect(JSON.parse(out)).toMatchObject(document as object);
  expect(out).not.toContain('error: ');
});

test('no command is forgotten', async () => {
  const verbs = async (...args: string[]): Promise<string[]> => {
    const { out } = await runCli([...args, '--help']);
    return [...out.matchAll(/^ {2}([a-z][a-z-]*)(?= )/gm)].map(([, verb]) =>
      [...args, verb].join(' '),
    );
  };
  const all = [...(await verbs()), ...(await verbs('quarantine')), ...(await verbs('ledger'))];
  expect(all.length).toBeGreaterThan(10);
  const isTried = (verb: string) => table.some(([line]) => `${line} `.startsWith(`${verb} `));
  expect(all.filter((verb) => !verb.endsWith('help') && !isTried(verb))).toEqual([]);
});
