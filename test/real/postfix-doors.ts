/** One Postfix with a port for each door, each of which leads to a place that a test listens on. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Column, columns } from '../conformance/case.ts';
import { freePort } from '../support/ports.ts';
import { type PrivatePostfix, startPostfix } from '../support/private-postfix.ts';

export interface PostfixDoors {
  readonly postfix: PrivatePostfix;
  /** Where mail is sent that is to go through a door. */
  readonly submitPorts: Readonly<Record<Column, number>>;
  /** Where Postfix looks for what stands behind it. */
  readonly filterPorts: Readonly<Record<Column, number>>;
}

export async function startPostfixDoors(): Promise<PostfixDoors> {
  const submitPorts = await somePorts();
  const filterPorts = await somePorts();
  const postfix = await startPostfix({
    mainCf: [
      // What is put off is not tried again while a case is played, nor is its destination left alone.
      'minimal_backoff_time = 1000s',
      'maximal_backoff_time = 1000s',
      'queue_run_delay = 1000s',
      'scan-smtp_destination_concurrency_failed_cohort_limit = 10000',
      'scan-lmtp_destination_concurrency_failed_cohort_limit = 10000',
      'milter_default_action = tempfail',
      // Long lines stay as they are.
      'smtp_line_length_limit = 0',
      'lmtp_line_length_limit = 0',
    ],
    masterCf: [
      ...columns.flatMap((column) => entryOf(column, submitPorts[column], filterPorts[column])),
      transport('smtp'),
      transport('lmtp'),
    ],
  });
  return { postfix, submitPorts, filterPorts };
}

async function somePorts(): Promise<Record<Column, number>> {
  const ports = new Map<Column, number>();
  for (const column of columns) ports.set(column, await freePort());
  return Object.fromEntries(ports) as Record<Column, number>;
}

/** The smtpd that takes mail for a door; it exits with its client, so that nothing stays connected. */
function entryOf(column: Column, port: number, filterPort: number): string[] {
  const options = [
    ...optionsOf(column, filterPort),
    'smtpd_authorized_xforward_hosts=127.0.0.0/8',
    'smtpd_error_sleep_time=0',
    'max_use=1',
  ];
  return [
    `127.0.0.1:${port} inet n - n - - smtpd`,
    ...options.map((option) => `    -o { ${option} }`),
  ];
}

function optionsOf(column: Column, port: number): string[] {
  switch (column) {
    case 'smtp':
    case 'lmtp':
      return [
        `content_filter=scan-${column}:[127.0.0.1]:${port}`,
        'receive_override_options=no_address_mappings',
      ];
    case 'before-queue':
      return [`smtpd_proxy_filter=127.0.0.1:${port}`];
    case 'milter':
      return [`smtpd_milters=inet:127.0.0.1:${port}`];
    case 'policy':
      return [
        `smtpd_recipient_restrictions=check_policy_service inet:127.0.0.1:${port}, permit_mynetworks, reject`,
        `smtpd_end_of_data_restrictions=check_policy_service inet:127.0.0.1:${port}`,
      ];
  }
}

/** As in fixtures/postfix, one connection for each message. */
function transport(flavour: 'smtp' | 'lmtp'): string {
  const path = join(import.meta.dirname, `../../fixtures/postfix/scan-${flavour}.master.cf`);
  const entry = readFileSync(path, 'utf8').trimEnd();
  const renamed = entry.replace(/^scan /m, `scan-${flavour} `);
  return `${renamed}\n    -o ${flavour}_connection_cache_on_demand=no`;
}
