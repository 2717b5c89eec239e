/** The canary by clamdjs, which speaks TCP only: a client that shares no line of code with ours. */
import { createRequire } from 'node:module';
import { cleanCanary, foundCanary } from '../../scan/canary.ts';
import type { CanaryAnswer } from '../facts.ts';

/** It has no types of its own. */
interface Clamdjs {
  createScanner(
    host: string,
    port: number,
  ): { scanBuffer(bytes: Buffer, timeoutMs: number): Promise<string> };
}

const answerMs = 10_000;

/** @throws when it cannot be reached. */
export async function askClamdjs({
  host,
  port,
}: {
  readonly host: string;
  readonly port: number;
}): Promise<CanaryAnswer> {
  const clamdjs = createRequire(import.meta.url)('clamdjs') as Clamdjs;
  const scanner = clamdjs.createScanner(host, port);
  const scan = async (bytes: Buffer): Promise<string> =>
    (await scanner.scanBuffer(bytes, answerMs)).replace(/\0$/, '');
  return { eicar: await scan(foundCanary), harmless: await scan(cleanCanary) };
}
