import { expect, test } from '@jest/globals';
import { postfixEntries } from '../../src/cli/postfix-entries.ts';
import { parseConfig } from '../../src/daemon/config.ts';
import type { Postfix } from '../../src/postfix/installation.ts';
import { planChanges } from '../../src/postfix/plan.ts';
import { tomlWith } from '../support/config-file.ts';
import {
  recordedPostfix,
  withMain,
  withOptions,
  withService,
} from '../support/recorded-postfix.ts';

const back = '127.0.0.1:10025';

function wanted(protocol = 'smtp') {
  const toml = tomlWith('[commit]\naddress = "unix:/var/spool/postfix/clamgate/commit.sock"');
  return postfixEntries(
    parseConfig(toml.replace('"smtp"', `"${protocol}"`), 'f'),
    '/var/spool/postfix',
  );
}

/** A Postfix that has all that is wanted. */
function settled(): Postfix {
  const want = wanted();
  let postfix = withMain(recordedPostfix(), { enable_long_queue_ids: 'yes' });
  for (const { name, options } of want.masterCf) {
    const own = Object.fromEntries(options.map((option) => [option.name, option.value]));
    postfix = withOptions(postfix, name, own);
  }
  return postfix;
}

const plan = (postfix: Postfix, protocol?: string) => planChanges(postfix, wanted(protocol));

test('nothing, where all is there already, with what an operator added', () => {
  expect(plan(settled())).toEqual({ changes: [], conflicts: [] });
});

const cases: [string, Postfix, { kind: string; name: string; from?: string; to: string }][] = [
  [
    'another filter: it is replaced',
    withMain(settled(), { content_filter: 'smtp-amavis:[127.0.0.1]:10024' }),
    {
      kind: 'setting',
      name: 'content_filter',
      from: 'smtp-amavis:[127.0.0.1]:10024',
      to: 'scan:[127.0.0.1]:10024',
    },
  ],
  [
    'a list with others in it: they stay',
    withMain(settled(), { receive_override_options: 'no_milters' }),
    {
      kind: 'setting',
      name: 'receive_override_options',
      from: 'no_milters',
      to: 'no_milters, no_address_mappings',
    },
  ],
  [
    'an option that is missing',
    withOptions(settled(), back, { content_filter: undefined }),
    { kind: 'option', name: `${back}/inet/content_filter`, to: '' },
  ],
  [
    'an option that is another',
    withOptions(settled(), 'scan', { smtp_send_xforward_command: 'no' }),
    { kind: 'option', name: 'scan/unix/smtp_send_xforward_command', from: 'no', to: 'yes' },
  ],
];

test.each(cases)('%s', (_, postfix, change) => {
  expect(plan(postfix)).toEqual({ changes: [change], conflicts: [] });
});

test('an entry that is missing is added whole', () => {
  const { changes } = plan(withService(settled(), 'scan', () => undefined));
  expect(changes).toHaveLength(1);
  expect(changes[0]).toMatchObject({ kind: 'service', name: 'scan/unix' });
  expect(changes[0]?.to).toMatch(
    /^scan unix - - n - 10 smtp -o smtp_send_xforward_command=yes -o /,
  );
  expect(changes[0]).not.toHaveProperty('from');
});

test('chroot and process limit are the operator’s, and stay when an entry is made anew', () => {
  const changed = withService(settled(), back, (service) => ({
    ...service,
    columns: { ...service.columns, private: undefined, chroot: 'y', processLimit: '50' },
  }));
  const { changes } = plan(changed);
  expect(changes).toHaveLength(1);
  expect(changes[0]?.to).toMatch(/^127\.0\.0\.1:10025 inet n - y - 50 smtpd -o /);
});

test('from SMTP to LMTP: the entry is made anew, and what was said to smtp(8) goes', () => {
  const { changes, conflicts } = plan(settled(), 'lmtp');
  const [change] = changes.filter(({ kind }) => kind === 'service');
  expect(conflicts).toEqual([]);
  expect(change?.to).toMatch(/^scan unix - - n - 10 lmtp /);
  expect(change?.to).toContain('-o lmtp_send_xforward_command=yes');
  expect(change?.to).not.toContain('-o smtp_');
  expect(change?.from).toContain('-o {smtp_header_checks=pcre:{ {/^X/ IGNORE} }}');
});

test('a transport of that name that is something else is in the way', () => {
  const other = withService(settled(), 'scan', (service) => ({ ...service, command: 'pipe' }));
  expect(plan(other).conflicts).toEqual([
    'scan/unix of master.cf is something else (pipe): rename that',
  ]);
});

test.each([
  ['10025', true],
  ['localhost:10025', true],
  ['127.0.0.2:10025', false],
  ['10026', false],
])('an smtpd at %s is in the way: %s', (name, expected) => {
  const postfix = withService(settled(), back, (service) => ({ ...service, name }));
  expect(plan(postfix).conflicts).toHaveLength(expected ? 1 : 0);
});
