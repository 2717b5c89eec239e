/** Asks one clamd how large a stream it takes, and up to which size it looks at a file: it tells neither. */
import { OperationalError } from '../../errors.ts';
import { askCanary, type CanarySettings } from '../../scan/canary.ts';
import type { ClamdAddress } from '../../scan/clamd-address.ts';
import { askFileSize } from '../../scan/size-canary.ts';
import type { ClamdSizes } from '../facts.ts';

/**
 * @param upTo bytes: the largest size of interest.
 * @throws {OperationalError} CLAMD, when it answers neither.
 */
export async function measureSizes(
  address: ClamdAddress,
  upTo: number,
  settings: CanarySettings,
  signal: AbortSignal,
): Promise<ClamdSizes> {
  const { reply } = await askCanary(address, { bytes: Buffer.alloc(upTo) }, settings, signal);
  const takesStream = reply.kind !== 'size-limit';
  const fileBytes = await askFileSize(address, upTo, settings, signal);
  if (fileBytes === undefined) throw new OperationalError('CLAMD', 'its answer was neither');
  return { upTo, takesStream, fileBytes };
}
