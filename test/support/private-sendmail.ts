/**
 * A real Sendmail of its own: an MTA that asks a Milter otherwise than Postfix does. It is unpacked by
 * scripts/unpack-sendmail.sh and not installed; configuration and queue are in a throw-away
 * directory, its port on loopback, and the sink is the only place mail can go.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, portAnswers } from './ports.ts';
import { type Sink, startSink } from './sink.ts';
import { makeWorkdir, type Workdir } from './workdir.ts';

const place = join(import.meta.dirname, '../../.run/sendmail/usr');
const libraries = ['x86_64-linux-gnu', 'aarch64-linux-gnu'].map((one) => join(place, 'lib', one));

const program = join(place, 'libexec/sendmail/sendmail');

/** Why there is none here; undefined where there is one. */
export function whyNoSendmail(): string | undefined {
  if (!existsSync(program)) return 'it is not unpacked (scripts/unpack-sendmail.sh)';
  if (spawnSync('unshare', ['--uts', '--mount', 'true']).status === 0) return undefined;
  return 'no namespace can be made for it';
}

const hostname = 'sendmail.test';

/**
 * On a host whose name has no domain it sleeps for a minute before it begins, and it asks the
 * resolver for its own name and its clients': so it has a name and a hosts file of its own.
 */
const inOwnName = `
hostname ${hostname} && mount --bind "$1/hosts" /etc/hosts &&
  { [ -z "$2" ] || mount --bind "$2" /mnt; } && exec "$PROGRAM" -bD -C "$1/sendmail.cf"`;

export interface SendmailOptions {
  /** As Sendmail writes it: `inet:1234@127.0.0.1`, `unix:/path`. */
  readonly milter: string;
  /** A directory that it sees as /mnt: it takes no socket below one that all may write to. */
  readonly mounted?: string;
  /** Seconds that it waits for a word of the Milter, and for the last one. */
  readonly readSeconds?: number;
  readonly endSeconds?: number;
}

/**
 * The smallest configuration with which it passes on what it takes, whatever the address, as it
 * came: cf/README, and the Sendmail Installation and Operation Guide §5. It writes no field of its
 * own but Received.
 */
function configuration(
  directory: string,
  port: number,
  sink: Sink,
  options: SendmailOptions,
): string {
  const { milter, readSeconds = 10, endSeconds = 300 } = options;
  const hop = 'P=[IPC], F=mDFMuXa8, S=0, R=0, E=\\r\\n, L=0, T=DNS/RFC822/SMTP';
  return `V10/Berkeley
Dj${hostname}
O QueueDirectory=${directory}/queue
O PidFile=${directory}/pid
O DaemonPortOptions=Name=MTA, Addr=127.0.0.1, Port=${port}
O EightBitMode=pass8
O DontProbeInterfaces=true
O DeliveryMode=background
O ResolverOptions=-DEFNAMES
O ConnectionRateThrottle=0
O QueueLA=1000
O RefuseLA=1000
O InputMailFilters=clamgate
Xclamgate, S=${milter}, F=T, T=C:5s;S:5s;R:${readSeconds}s;E:${endSeconds}s
O Milter.macros.connect=j, _, {daemon_name}, {if_name}, {if_addr}
O Milter.macros.envfrom=i, {mail_mailer}, {mail_host}, {mail_addr}
O Milter.macros.envrcpt={rcpt_mailer}, {rcpt_host}, {rcpt_addr}
O Milter.macros.eom={msg_id}
HReceived: from $s ($_)
	by $j with $r id $i; $b
S3
R$* <> $*	$@ <@>
R$* < $* > $*	$2
S4
R$* <@> $*	$@
S0
R$*	$#hop $@ [127.0.0.1] $: $1
Mhop, ${hop}, A=TCP $h ${sink.port}
Mlocal, ${hop}, A=TCP $h ${sink.port}
Mprog, ${hop}, A=TCP $h ${sink.port}
`;
}

export class PrivateSendmail {
  readonly port: number;
  readonly sink: Sink;
  readonly #workdir: Workdir;

  private constructor(workdir: Workdir, port: number, sink: Sink) {
    this.#workdir = workdir;
    this.port = port;
    this.sink = sink;
  }

  /** Resolves when it accepts mail. */
  static async start(options: SendmailOptions): Promise<PrivateSendmail> {
    const workdir = makeWorkdir();
    const sink = await startSink();
    const port = await freePort();
    const { path } = workdir;
    mkdirSync(join(path, 'queue'), { mode: 0o700 });
    writeFileSync(join(path, 'sendmail.cf'), configuration(path, port, sink, options));
    const pidFile = join(path, 'group');
    workdir.owns(pidFile);
    writeFileSync(join(path, 'hosts'), `127.0.0.1 localhost\n127.0.0.2 ${hostname}\n`);
    const child = spawn(
      'unshare',
      ['--uts', '--mount', 'sh', '-c', inOwnName, 'sh', path, options.mounted ?? ''],
      {
        stdio: 'ignore',
        detached: true,
        env: { ...process.env, LD_LIBRARY_PATH: libraries.join(':'), PROGRAM: program },
      },
    );
    writeFileSync(pidFile, `${child.pid ?? ''}\n`);
    await portAnswers(port);
    return new PrivateSendmail(workdir, port, sink);
  }

  /** The control files, whole, of what it has in quarantine; elsewhere their names begin with "qf". */
  held(): readonly string[] {
    const queue = join(this.#workdir.path, 'queue');
    return readdirSync(queue)
      .filter((name) => name.startsWith('hf'))
      .map((name) => readFileSync(join(queue, name), 'latin1'));
  }

  /** Kills it, stops the sink and leaves nothing behind. */
  async stop(): Promise<void> {
    await Promise.all([this.#workdir.remove(), this.sink.stop()]);
  }
}
