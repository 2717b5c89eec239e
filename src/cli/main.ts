/**
 * The command line: which verbs there are, and what they take. What a verb does is in its own
 * file, loaded only when it is used, so that --help and --version answer at once.
 */
import { Command, CommanderError, Option } from 'commander';
import { systemClock } from '../clock.ts';
import { recipient, sender, server } from './arguments.ts';
import { CliContext, type Surroundings } from './context.ts';
import type { DoctorOptions } from './doctor.ts';
import { exitCodeHelp } from './exit-codes.ts';
import { report, reportUsage } from './failure.ts';
import { Hangups } from './hangups.ts';
import type { InjectOptions } from './inject.ts';
import type { ScanEnvelope } from './scan.ts';
import type { PostfixOptions } from './postfix.ts';
import { version } from './version.ts';
import type { UpdateOptions } from './update.ts';
import type { WitnessVerbOptions } from './witness.ts';

/**
 * Runs one command line. Never throws.
 *
 * @param args without node and script.
 * @returns the exit code.
 */
export async function main(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const context = new CliContext(surroundings);
  context.json = args.includes('--json');
  try {
    const program = await programFor(args, context);
    await program.parseAsync(args, { from: 'user' });
    return context.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return reportUsage(error, context);
    return report(error, context);
  }
}

/** Runs the command line of this process. */
export async function runProcess(): Promise<void> {
  const { stdout, stderr, env } = process;
  // `clamgate status | head`: whoever read our output has seen enough.
  stdout.on('error', () => undefined);
  process.exitCode = await main(process.argv.slice(2), { stdout, stderr, env, clock: systemClock });
}

async function programFor(args: readonly string[], context: CliContext): Promise<Command> {
  const program = new Command('clamgate')
    .description('Scans the mail that Postfix hands over with clamd, and answers.')
    .version(version())
    .option(
      '-c, --config <file>',
      'configuration; else $CLAMGATE_CONFIG, else /etc/clamgate/clamgate.toml',
    )
    .option('--json', 'print the result as one JSON document')
    .addHelpText('after', `\n${exitCodeHelp}`)
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .showHelpAfterError('(clamgate --help shows what there is)')
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
    })
    .hook('preAction', () => {
      const { json, config } = program.opts<{ json?: true; config?: string }>();
      context.json = json ?? false;
      context.configFile = config;
    });
  addDaemonVerbs(program, context);
  addMessageVerbs(program, context);
  addPostfixVerbs(program, context);
  addUpdate(program, context);
  await addLedger(program, args, context);
  await addQuarantine(program, args, context);
  return program;
}

function addDaemonVerbs(program: Command, context: CliContext): void {
  program
    .command('serve')
    .description('the daemon: listen, scan, answer, until SIGTERM')
    .action(async () => {
      // A signal that finds no handler would end the process.
      const hangups = new Hangups(process);
      // The one is read while the other is loaded.
      const [config, { serve }] = await Promise.all([context.configApart(), import('./serve.ts')]);
      context.exitCode = await serve(context, config, hangups);
    });
  program
    .command('check-config')
    .description('say what is wrong with the configuration, and what is unwise')
    .action(async () => {
      const { checkConfig } = await import('./check-config.ts');
      await checkConfig(context);
    });
  program
    .command('doctor')
    .description('look at the whole set-up and say how to mend what is wrong; best run as root')
    .option('--verbose', 'list what is well, too')
    .option('--user <name>', "who the daemon runs as (default: its unit's user, else clamgate)")
    .option('--postfix-directory <directory>', "another Postfix instance's config_directory")
    .option('--clamd-conf <file...>', 'where a clamd.conf may be, beside the usual places')
    .action(async (options: DoctorOptions) => {
      const { doctor } = await import('./doctor.ts');
      await doctor(context, options);
    });
  program
    .command('status')
    .description('ask the daemon how it is; exit code 1 when it is not ready')
    .action(async () => {
      const { status } = await import('./status.ts');
      await status(context);
    });
}

const fileHelp =
  'one from a file, byte for byte; only where it has no CRLF at all, LF becomes CRLF';

function addMessageVerbs(program: Command, context: CliContext): void {
  program
    .command('scan')
    .description('explain what clamgate makes of a message: its parts, every scan, every reply')
    .argument(
      '<file...>',
      'messages as they are stored in a mailbox, - for stdin; LF is taken for CRLF',
    )
    .option('--from <address>', 'the sender, for rules [[banned]] for some; <> for none', sender)
    .option('--to <address>', 'the recipient, likewise (default: rules for anyone hold)')
    .action(async (files: string[], envelope: ScanEnvelope) => {
      const { scan } = await import('./scan.ts');
      await scan(context, files, envelope);
    });
  program
    .command('inject')
    .description('send a test message through Postfix and report what became of it')
    .requiredOption('--to <address...>', 'recipients', recipient)
    .option('--from <address>', 'sender (default: the first recipient); <> for none', sender)
    .option('--clean', 'a harmless message (default)')
    .addOption(new Option('--eicar', 'one with the EICAR test file').conflicts(['clean', 'file']))
    .addOption(new Option('--file <file>', fileHelp).conflicts('clean'))
    .option('--server <address>', 'the SMTP server to send it to', server, '127.0.0.1:25')
    .option('--listener [address]', 'straight to a listener of clamgate (default: its first)')
    .option('--wait <duration>', 'how long to ask the daemon for its fate', '30s')
    .action(async (options: InjectOptions) => {
      const { inject } = await import('./inject.ts');
      await inject(context, options);
    });
}

const queueDirectory = '/var/spool/postfix';

function addPostfixVerbs(program: Command, context: CliContext): void {
  program
    .command('postfix')
    .description("print what Postfix's main.cf and master.cf need, or change them so")
    .addOption(
      new Option('--diff', 'what would change; exit code 1 when anything would').conflicts([
        'apply',
        'undo',
      ]),
    )
    .addOption(
      new Option('--apply', 'change them, after a copy of what is there').conflicts('undo'),
    )
    .option('--undo', 'put back the newest copy, if nobody has changed the files since')
    .option('--reload', 'with --apply or --undo: have Postfix reload, if clamgate listens')
    .option('--config-directory <directory>', "another instance's config_directory")
    .option('--queue-directory <directory>', "Postfix's queue_directory (default: what it says)")
    .action(async (options: PostfixOptions) => {
      const { postfix } = await import('./postfix.ts');
      await postfix(context, options);
    });
  program
    .command('witness')
    .description("tell the daemon what became of messages in Postfix's queue; runs as user postfix")
    .option('--socket <path>', 'where it listens', '/run/clamgate/witness.sock')
    .option('--queue-directory <directory>', "Postfix's queue_directory", queueDirectory)
    .option('--log <file>', "Postfix's log, to look into when nothing else is left")
    .option('--held-max <count>', 'queue files that are held open at once', '10000')
    .action(async (options: WitnessVerbOptions) => {
      const { witness } = await import('./witness.ts');
      await witness(context, options);
    });
}

function addUpdate(program: Command, context: CliContext): void {
  program
    .command('update')
    .description(
      'bring new signatures to one clamd after the other, while the others have the mail',
    )
    .option('--window <duration>', 'begin at a random time within it (default: [update] window)')
    .option('--reload-only', 'bring nothing: have each load what is in its directory')
    .option('--dry-run', 'change nothing, and say what would be done')
    .action(async (options: UpdateOptions) => {
      const { update } = await import('./update.ts');
      await update(context, options);
    });
}

/** Its own verbs are many and need much, so they are there only when they are asked for. */
async function addQuarantine(
  program: Command,
  args: readonly string[],
  context: CliContext,
): Promise<void> {
  if (args.includes('quarantine')) {
    const { quarantineCommand } = await import('./quarantine.ts');
    quarantineCommand(program, context);
  } else {
    program.command('quarantine').description('list, show, release, delete and expire messages');
  }
}

async function addLedger(
  program: Command,
  args: readonly string[],
  context: CliContext,
): Promise<void> {
  if (args.includes('ledger')) {
    const { ledgerCommand } = await import('./ledger.ts');
    ledgerCommand(program, context);
  } else {
    program.command('ledger').description('list, show, settle and compact what was handed over');
  }
}
