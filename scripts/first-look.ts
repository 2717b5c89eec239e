/**
 * The first look at clamgate (`make run`): a Postfix, a clamd and clamgate of their own, on
 * loopback and in throw-away directories; a clean and an EICAR message go through them, and what
 * became of each is shown. Then they serve until Ctrl-C, and everything is removed. With ONCE=1, or
 * when nobody types at a terminal, it ends after the report; exit status 1 if that is not as it
 * should be.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { env, execPath, exit, stdin, stdout } from 'node:process';
import { freePort } from '../test/support/ports.ts';
import { PrivateClamd } from '../test/support/private-clamd.ts';
import { PrivateDaemon } from '../test/support/private-daemon.ts';
import { startPostfix, type PrivatePostfix } from '../test/support/private-postfix.ts';
import { missing } from '../test/support/programs.ts';
import { addresses, fate, type Injected, type Running } from './first-look-report.ts';

/** Where Debian's and Fedora's clamd have their signatures. */
const systemDatabase = '/var/lib/clamav';
/** All of ClamAV's signatures take minutes on a small machine. */
const loadingSeconds = 600;

const closing: (() => Promise<void>)[] = [];

async function firstLook(): Promise<boolean> {
  const running = await start();
  stdout.write(`\n${addresses(running)}\n`);
  const clean = await send(running, '--clean');
  const eicar = await send(running, '--eicar');
  if (!clean.expected || !eicar.expected) stdout.write(`\n${running.daemon.logLines().join('\n')}`);
  if (stdin.isTTY && env['ONCE'] !== '1') {
    stdout.write('\nServing until Ctrl-C; then everything is removed.\n');
    await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  } else {
    stdout.write('\nNobody types at a terminal, or ONCE=1: everything is removed.\n');
  }
  return clean.expected && eicar.expected;
}

async function start(): Promise<Running> {
  const clamd = await step('Starting a private clamd', startClamd);
  closing.unshift(() => clamd.close());
  const listenPort = await freePort();
  const postfix = await step('Starting a private Postfix', () =>
    startPostfix({ filter: { protocol: 'smtp', address: listenPort } }),
  );
  closing.unshift(() => postfix.stop());
  const daemon = await step('Starting clamgate', () => serve(listenPort, postfix, clamd));
  closing.unshift(() => daemon.close());
  return { clamd: clamd.unix.name, listenPort, postfix, daemon };
}

function startClamd(): Promise<PrivateClamd> {
  const known = ['daily.cvd', 'daily.cld'].some((name) => existsSync(`${systemDatabase}/${name}`));
  const settings = known ? { DatabaseDirectory: systemDatabase } : {};
  return PrivateClamd.start(settings, {
    seconds: loadingSeconds,
    loading: (seconds) => {
      stdout.write(`\n  still loading signatures, ${seconds} s ... `);
    },
  });
}

async function serve(
  listenPort: number,
  postfix: PrivatePostfix,
  clamd: PrivateClamd,
): Promise<PrivateDaemon> {
  const address = `127.0.0.1:${listenPort}`;
  const nextHop = `127.0.0.1:${postfix.reinjectPort}`;
  const listeners = [{ protocol: 'smtp', address, nextHop } as const];
  const daemon = await PrivateDaemon.start({ listeners, clamd: [clamd.unix.name] });
  // It finds out first what this clamd can do, so that the message does not wait for that.
  await daemon.ready();
  return daemon;
}

async function send({ daemon, postfix }: Running, kind: '--clean' | '--eicar'): Promise<Injected> {
  const injected = await inject(daemon.configFile, kind, postfix.submitPort);
  if (injected.fate === 'relayed') await postfix.sink.received(1);
  stdout.write(`\n${fate(kind === '--clean' ? 'A clean message' : 'EICAR', injected, postfix)}\n`);
  return injected;
}

async function inject(configFile: string, kind: string, port: number): Promise<Injected> {
  const program = join(import.meta.dirname, '../bin/clamgate.js');
  const what = ['inject', kind, '--server', `127.0.0.1:${port}`, '--to', 'you@example.test'];
  const child = spawn(execPath, [program, '--json', '-c', configFile, ...what], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  // Its exit status says whether all is as it should be; the report does, too.
  const output = Buffer.concat((await child.stdout.toArray()) as Buffer[]).toString();
  if (output === '') throw new Error(`${what.join(' ')} did not report`);
  return JSON.parse(output) as Injected;
}

/** Says what is being done and how long it took. */
async function step<T>(what: string, act: () => Promise<T>): Promise<T> {
  const started = performance.now();
  stdout.write(`${what} ... `);
  const result = await act();
  stdout.write(`done (${((performance.now() - started) / 1000).toFixed(1)} s)\n`);
  return result;
}

const absent = missing(['root', 'postfix', 'clamd']);
if (absent.length > 0) {
  stdout.write(
    `The first look starts a Postfix and a clamd of its own. Missing: ${absent.join(', ')}.\n` +
      'Postfix gives its rights up by itself, but has to be started by root: sudo make run\n',
  );
  exit(1);
}
let ok = false;
try {
  ok = await firstLook();
} finally {
  for (const close of closing) await close();
}
exit(ok ? 0 : 1);
