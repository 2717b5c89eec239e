/** All checks, in the order in which they are told. docs/doctor.md has each of them. */
import type { Check } from './check.ts';
import { addressChecks } from './checks/addresses.ts';
import { clamdChecks } from './checks/clamd.ts';
import { clamdMemoryChecks } from './checks/clamd-memory.ts';
import { clamdServiceChecks } from './checks/clamd-service.ts';
import { commitChecks } from './checks/commit.ts';
import { concurrencyChecks } from './checks/concurrency.ts';
import { doorChecks } from './checks/doors.ts';
import { machineChecks } from './checks/machine.ts';
import { postfixChecks } from './checks/postfix.ts';
import { reinjectionChecks } from './checks/reinjection.ts';
import { sizeChecks } from './checks/size.ts';
import { timeChecks } from './checks/time.ts';
import { tlsChecks } from './checks/tls.ts';

export const checks: readonly Check[] = [
  ...machineChecks,
  ...clamdChecks,
  ...clamdServiceChecks,
  ...clamdMemoryChecks,
  ...addressChecks,
  ...postfixChecks,
  ...doorChecks,
  ...reinjectionChecks,
  ...tlsChecks,
  ...commitChecks,
  ...timeChecks,
  ...sizeChecks,
  ...concurrencyChecks,
];
