/**
 * `make evasions`: the whole set through clamd alone and clamgate, with PEERS=1 through amavisd-new
 * as well. ONLY=REGEXP chooses by name, LIST=1 names what went wrong, and WRITE=DIRECTORY writes
 * the chosen messages there; such files hold EICAR, and a virus scanner will take them.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { env, exit, stderr, stdout } from 'node:process';
import { missing } from '../support/programs.ts';
import { PrivateClamd } from '../support/private-clamd.ts';
import { benignMessages } from './benign.ts';
import { examineAll } from './examine.ts';
import { hostileMessages } from './hostile.ts';
import type { Specimen } from './message.ts';
import { type Column, reportOf } from './report.ts';
import { amavisd, clamdAlone, clamgateScan, type Subject } from './subjects.ts';

const only = new RegExp(env['ONLY'] ?? '', 'i');
const hostile = hostileMessages().filter(({ name }) => only.test(name));
const benign = benignMessages().filter(({ name }) => only.test(name));

function write(directory: string, specimens: readonly Specimen[]): void {
  mkdirSync(directory, { recursive: true });
  for (const { name, bytes } of specimens) {
    writeFileSync(join(directory, `${name.replace(/[^\w.+-]+/g, '_').slice(0, 200)}.eml`), bytes);
  }
}

async function subjectsFor(clamd: PrivateClamd): Promise<readonly Subject[]> {
  const own = [clamdAlone(clamd), clamgateScan(clamd)];
  if (env['PEERS'] !== '1') return own;
  return [
    ...own,
    await amavisd(clamd, 'amavisd-new', { decodes: true, wholeMail: false }),
    await amavisd(clamd, 'amavisd-new, whole mail too', { decodes: true, wholeMail: true }),
  ];
}

function list({ name, examined }: Column, wrong: (outcome: string) => boolean): void {
  for (const { specimen, outcome } of examined.filter((one) => wrong(one.outcome))) {
    stderr.write(`${name}: ${outcome}: ${specimen.name}\n`);
  }
}

async function examination(clamd: PrivateClamd): Promise<boolean> {
  const detections: Column[] = [];
  const controls: Column[] = [];
  for (const subject of await subjectsFor(clamd)) {
    stderr.write(`${subject.name}: ${hostile.length} hostile, ${benign.length} benign messages\n`);
    const { name } = subject;
    detections.push({ name, examined: await examineAll(subject, hostile) });
    controls.push({ name, examined: await examineAll(subject, benign) });
    await subject.close();
  }
  const missed = (outcome: string): boolean => outcome === 'passed' || outcome === 'stopped';
  const disturbed = (outcome: string): boolean => outcome === 'found' || outcome === 'stopped';
  if (env['LIST'] === '1') {
    for (const column of detections) list(column, missed);
    for (const column of controls) list(column, disturbed);
  }
  stdout.write(`\n${reportOf('hostile: found', detections, ['found'])}`);
  stdout.write(`\n${reportOf('benign: passed', controls, ['passed'])}`);
  const ours = (columns: readonly Column[]): Column['examined'] =>
    columns.find(({ name }) => name === 'clamgate')?.examined ?? [];
  return (
    ours(detections).some(({ outcome }) => missed(outcome)) ||
    ours(controls).some(({ outcome }) => disturbed(outcome))
  );
}

if (env['WRITE'] !== undefined) {
  write(env['WRITE'], [...hostile, ...benign]);
  exit(0);
}
const absent = missing(['clamd', ...(env['PEERS'] === '1' ? ['root', 'amavisd'] : [])]);
if (absent.length > 0) {
  stderr.write(`evasions: missing: ${absent.join(', ')}\n`);
  exit(1);
}
const clamd = await PrivateClamd.start();
const failed = await examination(clamd).finally(() => clamd.close());
// What a killed program has left open must not keep us.
exit(failed ? 1 : 0);
