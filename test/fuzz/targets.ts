/** All targets, in the order in which a long run takes them. */
import type { Target } from './target.ts';
import { clamdReply } from './targets/clamd-reply.ts';
import { clamdConf } from './targets/clamd-conf.ts';
import { config } from './targets/config.ts';
import { decoders } from './targets/decoders.ts';
import { encodings } from './targets/encodings.ts';
import { header } from './targets/header.ts';
import { inspect } from './targets/inspect.ts';
import { journal } from './targets/journal.ts';
import { lzma } from './targets/lzma.ts';
import { milter } from './targets/milter.ts';
import { names } from './targets/names.ts';
import { policy } from './targets/policy.ts';
import { readings } from './targets/readings.ts';
import { smtpArguments } from './targets/smtp-arguments.ts';
import { smtpClient } from './targets/smtp-client.ts';
import { smtpData } from './targets/smtp-data.ts';
import { smtpReply } from './targets/smtp-reply.ts';
import { smtpServer } from './targets/smtp-server.ts';
import { witness } from './targets/witness.ts';

export const targets: readonly Target[] = [
  smtpServer,
  smtpArguments,
  smtpData,
  smtpClient,
  smtpReply,
  clamdReply,
  milter,
  policy,
  witness,
  header,
  names,
  readings,
  decoders,
  encodings,
  inspect,
  lzma,
  config,
  clamdConf,
  journal,
];

export function targetNamed(name: string): Target {
  const target = targets.find((one) => one.name === name);
  if (target === undefined) throw new Error(`no target is called ${name}`);
  return target;
}
