/**
 * Archives and documents as real programs write them, locked and not: src/inspect tells both apart,
 * and lists the names, where the header that holds them is not locked itself.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { scratchBytes } from '../../src/inspect/blocks.ts';
import { type Inspection, Inspector } from '../../src/inspect/inspector.ts';
import type { EncryptedFormat } from '../../src/inspect/notes.ts';
import { defaultInspectLimits } from '../../src/limits.ts';
import { describeWanting } from '../support/needs.ts';
import { missing } from '../support/programs.ts';
import { makeWorkdir, type Workdir } from '../support/workdir.ts';

const run = promisify(execFile);

/** Debian's 7zip has one or another of them, p7zip-full the first. */
const sevenZip = ['7z', '7zz', '7za'].find((name) => missing([name]).length === 0) ?? '7z';

const long = `${'d'.repeat(90)}/${'n'.repeat(80)}.txt`;
const files = ['docs/a.txt', 'invoice.pdf.exe', long];
const many = Array.from({ length: 300 }, (_, at) => `many/file ${at}.txt`);

interface Row {
  readonly what: string;
  /** Shell, in a directory with `files` and `many`; writes `out`. */
  readonly command: string;
  readonly encrypted?: EncryptedFormat;
  /** At least these names; none, if it has none to tell of. */
  readonly names?: readonly string[];
}

const given = files.join(' ');

const zips: readonly Row[] = [
  { what: 'plain', command: `zip -q -r out.zip ${given} && mv out.zip out`, names: files },
  { what: 'stored', command: `zip -q -0 out.zip ${given} && mv out.zip out`, names: files },
  { what: 'streamed', command: `zip -q - ${given} > out`, names: files },
  { what: 'with Zip64', command: `zip -q -fz - ${given} > out`, names: files },
  { what: 'many files', command: 'zip -q -r out.zip many && mv out.zip out', names: many },
  {
    what: 'ZipCrypto',
    command: `zip -q -P secret out.zip ${given} && mv out.zip out`,
    ...{ encrypted: 'Zip', names: files },
  },
  {
    what: 'ZipCrypto, streamed',
    command: `zip -q -P secret - ${given} > out`,
    ...{ encrypted: 'Zip', names: files },
  },
  {
    what: 'one file of them locked',
    command: `zip -q out.zip ${given} && zip -q -P secret out.zip 'many/file 7.txt' && mv out.zip out`,
    ...{ encrypted: 'Zip', names: [...files, 'many/file 7.txt'] },
  },
];

const add = (options: string, what = given): string =>
  `${sevenZip} a -bso0 -bsp0 ${options} out.7z ${what} && mv out.7z out`;
const sevenZips: readonly Row[] = [
  { what: 'plain', command: add(''), names: files },
  { what: 'LZMA', command: add('-m0=LZMA'), names: files },
  { what: 'not solid', command: add('-ms=off'), names: files },
  { what: 'stored, header not packed', command: add('-mx=0 -mhc=off'), names: files },
  { what: 'BCJ2 and a program', command: add('-mf=BCJ2'), names: files },
  { what: 'many files', command: add('', 'many'), names: many },
  { what: 'files locked', command: add('-psecret'), encrypted: '7z', names: files },
  { what: 'many files locked', command: add('-psecret', 'many'), encrypted: '7z', names: many },
  { what: 'headers locked', command: add('-psecret -mhe=on'), encrypted: '7z', names: [] },
  {
    what: 'Zip with AES',
    command: add('-tzip -psecret -mem=AES256'),
    encrypted: 'Zip',
    names: files,
  },
  {
    what: 'Zip with ZipCrypto',
    command: add('-tzip -psecret -mem=ZipCrypto'),
    encrypted: 'Zip',
    names: files,
  },
  { what: 'Zip with LZMA', command: add('-tzip -mm=LZMA'), names: files },
  { what: 'tar', command: add('-ttar'), names: files },
];

const rars: readonly Row[] = ['-ma5', '-ma4'].flatMap((form): Row[] => {
  const rar = (options: string): string =>
    `rar a -idq ${form} ${options} out.rar ${given} && mv out.rar out`;
  return [
    { what: `${form}, plain`, command: rar(''), names: files },
    { what: `${form}, files locked`, command: rar('-psecret'), encrypted: 'RAR', names: files },
    { what: `${form}, headers locked`, command: rar('-hpsecret'), encrypted: 'RAR', names: [] },
  ];
});

const tars: readonly Row[] = [
  ...['gnu', 'pax', 'ustar'].map((format) => ({
    what: format,
    command: `tar --format=${format} -cf out ${given}`,
    names: files,
  })),
  { what: 'old', command: 'tar --format=v7 -cf out docs/a.txt', names: ['docs/a.txt'] },
  { what: 'many files', command: 'tar -cf out many', names: many },
  { what: 'in gzip', command: `tar -czf out ${given}`, names: files },
  { what: 'many files in gzip', command: 'tar -czf out many', names: many },
  {
    what: 'gzip with a name',
    command: 'gzip -N -c invoice.pdf.exe > out',
    names: ['invoice.pdf.exe'],
  },
  { what: 'gzip without one', command: 'gzip -n -c invoice.pdf.exe > out', names: [] },
];

const pdf = (options: string): string => `qpdf --empty ${options} out`;
const pdfs: readonly Row[] = [
  { what: 'plain', command: pdf('') },
  { what: 'plain, with a stream of references', command: pdf('--object-streams=generate') },
  ...['256', '128 --use-aes=y', '128 --use-aes=n', '40'].map((bits): Row => ({
    what: `locked, ${bits} bits`,
    command: pdf(`--allow-weak-crypto --encrypt user owner ${bits} --`),
    encrypted: 'PDF',
  })),
  {
    what: 'locked, with a stream of references',
    command: pdf('--object-streams=generate --encrypt "" owner 256 --'),
    encrypted: 'PDF',
  },
];

const certificate =
  'openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=x -keyout key -out cert 2> /dev/null';
const mails: readonly Row[] = [
  ...['-des3', '-aes256'].map((cipher): Row => ({
    what: `S/MIME, smime ${cipher}`,
    command: `${certificate} && openssl smime -encrypt ${cipher} -outform DER -in docs/a.txt -out out cert`,
    encrypted: 'S/MIME message',
  })),
  {
    what: 'S/MIME, cms -stream',
    command: `${certificate} && openssl cms -encrypt -stream -outform DER -in docs/a.txt -out out cert`,
    encrypted: 'S/MIME message',
  },
  {
    what: 'S/MIME, AES in GCM',
    command: `${certificate} && openssl cms -encrypt -aes-256-gcm -outform DER -in docs/a.txt -out out cert`,
    encrypted: 'S/MIME message',
  },
  {
    what: 'S/MIME, only signed',
    command: `${certificate} && openssl smime -sign -nodetach -outform DER -in docs/a.txt -out out -signer cert -inkey key`,
  },
];

describe('what real programs write', () => {
  let workdir: Workdir;

  beforeAll(async () => {
    workdir = makeWorkdir();
    for (const name of [...files, ...many]) {
      await mkdir(join(workdir.path, name, '..'), { recursive: true });
      await writeFile(join(workdir.path, name), `the content of ${name}\n`);
    }
  });

  afterAll(async () => {
    await workdir.remove();
  });

  async function inspected({ command }: Row): Promise<Inspection> {
    const cwd = workdir.path;
    await run('sh', ['-ec', `rm -f out out.*; ${command}`], { cwd });
    const inspector = new Inspector(
      { limits: defaultInspectLimits, lists: true },
      Buffer.alloc(scratchBytes),
    );
    const bytes = await readFile(join(cwd, 'out'));
    for (const slice of inspector.slices(bytes)) inspector.feed(slice);
    return inspector.end();
  }

  function table(rows: readonly Row[]): void {
    it.each(rows)('$what', async (row) => {
      const { encrypted, entries, incomplete } = await inspected(row);
      expect(encrypted).toEqual(row.encrypted === undefined ? [] : [row.encrypted]);
      expect(entries).toEqual(expect.arrayContaining([...(row.names ?? [])]));
      if (row.names?.length === 0) expect(entries).toEqual([]);
      expect(incomplete).toBeUndefined();
    });
  }

  describeWanting(['zip'], 'Zip', () => {
    table(zips);
  });
  describeWanting([sevenZip], '7-Zip', () => {
    table(sevenZips);
  });
  describeWanting(['tar', 'gzip'], 'tar and gzip', () => {
    table(tars);
  });
  describeWanting(['qpdf'], 'PDF', () => {
    table(pdfs);
  });
  describeWanting(['openssl'], 'mail', () => {
    table(mails);
  });

  // It is in Debian's non-free, which few machines have.
  describeWanting(['rar'], 'RAR', () => {
    table(rars);
  });
});
