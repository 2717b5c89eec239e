#!/usr/bin/env node
/**
 * Starts clamgate with a Node.js that can run it. This file itself runs on Node 12 and newer, so
 * it may use nothing that is newer than that; all else is in dist/.
 */
import { spawn } from 'child_process';
import { existsSync } from 'fs';
import { constants } from 'os';
import { fileURLToPath } from 'url';

const neededMajor = 24;
/** EX_CONFIG of sysexits.h, as src/cli/exit-codes.ts has it. */
const exitConfig = 78;
/** Set for the Node that this file starts, so that it never starts another one. */
const mark = 'CLAMGATE_REEXECUTED';
const here = fileURLToPath(import.meta.url);

if (Number(process.versions.node.split('.')[0]) >= neededMajor) start();
else reexecute();

function start() {
  const main = new URL('../dist/cli/main.js', import.meta.url);
  if (!existsSync(fileURLToPath(main))) {
    giveUp('it is not built yet; run: npm run build');
    return;
  }
  import(main.href).then((module) => module.runProcess());
}

function reexecute() {
  const node = process.env[mark] ? undefined : nodeBeside();
  if (node === undefined) {
    giveUp(
      'it needs Node.js ' +
        neededMajor +
        ' or newer, and this is ' +
        process.version +
        '. Install one (https://nodejs.org), or run `npm install` in its folder on Linux, ' +
        'which brings one along.',
    );
    return;
  }
  const environment = Object.assign({}, process.env, { [mark]: '1' });
  const child = spawn(node, [here].concat(process.argv.slice(2)), {
    stdio: [0, 1, 2].concat(handedSockets()),
    env: environment,
  });
  // systemd and people know only us: what they send goes on to the child.
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGINT', 'SIGQUIT']) {
    process.on(signal, () => {
      // What is typed at a terminal has reached the child, too.
      const typed = process.stdin.isTTY && (signal === 'SIGINT' || signal === 'SIGQUIT');
      if (!typed) child.kill(signal);
    });
  }
  child.on('error', (error) => giveUp(node + ': ' + error.message));
  child.on('exit', (code, signal) => {
    process.exitCode = signal ? 128 + constants.signals[signal] : code;
  });
}

/** The sockets that systemd has opened for us, from the third descriptor on (sd_listen_fds(3)). */
function handedSockets() {
  const count = Number(process.env.LISTEN_FDS) || 0;
  return Array.from({ length: count }, (_, at) => 3 + at);
}

/** The Node that npm has put into node_modules: ours, or that of the project we are installed in. */
function nodeBeside() {
  const name = 'node-linux-' + process.arch + '/bin/node';
  const folders = ['../node_modules/', '../../'];
  return folders
    .map((folder) => fileURLToPath(new URL(folder + name, import.meta.url)))
    .find((path) => existsSync(path));
}

function giveUp(why) {
  process.stderr.write('clamgate: ' + why + '\n');
  process.exitCode = exitConfig;
}
