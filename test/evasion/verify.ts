/**
 * Lets real decoders look for the payload in every candidate, and writes down who found it. Run by
 * hand when the tricks change, on a machine that has the decoders (README.md); those that are not
 * there find nothing, and what is not found by anybody is no part of the set. What was found before
 * stays while the message is the same; FRESH=1 looks at all of them again (ten minutes).
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { env, execPath, stderr } from 'node:process';
import { format } from 'prettier';
import { eicar } from '../support/eicar.ts';
import { makeWorkdir } from '../support/workdir.ts';
import { type Candidate, candidates } from './hostile.ts';
import { digestOf, witnessesFile, witnessesOf } from './witnesses.ts';

interface Decoder {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

const here = (file: string): string => new URL(`decoders/${file}`, import.meta.url).pathname;
const several = (names: readonly string[], command: string, args: readonly string[]): Decoder[] =>
  names.map((name) => ({ name, command, args: [...args, name] }));

const decoders: readonly Decoder[] = [
  ...several(['python', 'python-policy', 'gmime', 'camel'], '/usr/bin/python3', [
    here('python_decoders.py'),
  ]),
  ...several(['mime-parser', 'email-mime'], 'perl', [here('perl-decoders.pl')]),
  { name: 'php-mailparse', command: 'php', args: [here('php-mailparse.php')] },
  { name: 'ruby-mail', command: 'ruby', args: [here('ruby-mail.rb')] },
  ...several(['postal-mime', 'emailjs', 'letterparser', 'jsmimeparser'], execPath, [
    here('npm-decoders.mjs'),
  ]),
  ...several(
    ['ripmime', 'munpack', 'uudeview', 'uudeview-strict', 'mblaze', 'nmh', 'mhonarc'],
    'sh',
    [here('programs.sh')],
  ),
];

/** Decoders of what a decoder gives out: Outlook's wrapping, and what a Macintosh made. */
const secondStage: Readonly<Record<string, (bytes: Buffer) => boolean>> = {
  tnef: (bytes) => bytes.length > 4 && bytes.readUInt32LE() === 0x223e9f78,
  hexbin: (bytes) => bytes.includes('(This file must be converted with BinHex'),
};

/** What is decoded ends where the payload does, but for the line end that a text gets. */
function holds(found: Buffer, { payload }: Candidate): boolean {
  const wanted = payload.kind === 'eml' ? [payload.bytes, Buffer.from(eicar)] : [payload.bytes];
  return wanted.some(
    (bytes) =>
      found.subarray(0, bytes.length).equals(bytes) &&
      /^[\s\0\x1a]*$/.test(found.toString('latin1', bytes.length)),
  );
}

async function run({ command, args }: Decoder, from: string, to: string): Promise<void> {
  mkdirSync(to, { recursive: true });
  const child = spawn(command, [...args, from, to], { stdio: 'ignore' });
  await new Promise((resolve) => {
    child.on('error', resolve);
    child.on('close', resolve);
  });
}

/** By number of the message, what was decoded of it. */
function collect(directory: string): Map<number, Buffer[]> {
  const found = new Map<number, Buffer[]>();
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const inner = join(directory, entry.name);
    const files = readdirSync(inner, { recursive: true }).map((name) => join(inner, String(name)));
    const contents = files
      .filter((file) => statSync(file).isFile())
      .map((file) => readFileSync(file));
    found.set(Number(entry.name), contents);
  }
  return found;
}

/** What the decoder gives out, and what comes of that when it is opened in its turn. */
async function decoded(
  decoder: Decoder,
  from: string,
  base: string,
): Promise<Map<number, Buffer[]>> {
  await run(decoder, from, join(base, 'first'));
  const first = collect(join(base, 'first'));
  const isMessage = (bytes: Buffer): boolean =>
    /^\s*(?:From|Received|Subject|Content-Type)[ :]/i.test(bytes.toString('latin1', 0, 40));
  const stages: [Decoder, (bytes: Buffer) => boolean][] = [[decoder, isMessage]];
  for (const [name, suits] of Object.entries(secondStage)) {
    stages.push([{ name, command: 'sh', args: [here('programs.sh'), name] }, suits]);
  }
  const all = new Map(Array.from(first, ([number, contents]) => [number, [...contents]]));
  for (const [next, suits] of stages) {
    await openAgain(next, { suits, first, all, base: join(base, `then-${next.name}`) });
  }
  return all;
}

interface Again {
  readonly suits: (bytes: Buffer) => boolean;
  readonly first: Map<number, Buffer[]>;
  readonly all: Map<number, Buffer[]>;
  readonly base: string;
}

async function openAgain(decoder: Decoder, { suits, first, all, base }: Again): Promise<void> {
  const from = join(base, 'in');
  mkdirSync(from, { recursive: true });
  const owners: number[] = [];
  for (const [number, contents] of first) {
    for (const bytes of contents.filter(suits)) {
      writeFileSync(join(from, `${owners.length}.eml`), bytes);
      owners.push(number);
    }
  }
  if (owners.length === 0) return;
  await run(decoder, from, join(base, 'out'));
  for (const [at, contents] of collect(join(base, 'out'))) {
    const owner = owners[at];
    if (owner !== undefined) all.get(owner)?.push(...contents);
  }
}

const workdir = makeWorkdir();
const all = candidates();
const known = all.map((one) => (env['FRESH'] === '1' ? [] : witnessesOf(one)));
const source = join(workdir.path, 'in');
mkdirSync(source);
all.forEach(({ bytes }, at) => {
  if (known[at]?.length === 0) writeFileSync(join(source, `${at}.eml`), bytes);
});
const by = known.map((names): string[] => [...names]);
for (const decoder of decoders) {
  const found = await decoded(decoder, source, join(workdir.path, decoder.name));
  let count = 0;
  all.forEach((candidate, at) => {
    if (!(found.get(at) ?? []).some((bytes) => holds(bytes, candidate))) return;
    by[at]?.push(decoder.name);
    count++;
  });
  stderr.write(`${decoder.name}: ${count} found\n`);
}
const rows = all.flatMap(({ name, bytes }, at) => {
  const names = by[at] ?? [];
  return names.length === 0 ? [] : [[name, [digestOf(bytes), ...names]] as const];
});
const text = JSON.stringify(Object.fromEntries(rows));
writeFileSync(witnessesFile, await format(text, { parser: 'json', printWidth: 100 }));
stderr.write(`${rows.length} of ${all.length} candidates have a witness\n`);
for (const { name } of all.filter((one, at) => by[at]?.length === 0 && one.argued === undefined)) {
  if (!name.startsWith('combined/')) stderr.write(`nobody: ${name}\n`);
}
await workdir.remove();
