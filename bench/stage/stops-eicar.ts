/** That a filter asks clamd is not believed: EICAR has to be stopped. */
import { eicarFile, message, withAttachment } from '../../test/support/messages.ts';
import { submit } from '../../test/support/submit.ts';

/** A filter that drops it says 250, and what it has done. */
const dropped = /discard|infected|virus|bounce/i;

/** @throws {Error} when the filter behind this port lets it through. */
export async function stopsEicar(name: string, port: number): Promise<void> {
  const data = message(withAttachment('eicar.com', eicarFile));
  const [reply = ''] = await submit(port, { from: '<a@client.test>', to: ['<b@sink.test>'], data });
  if (!/^[45]/.test(reply) && !dropped.test(reply)) {
    throw new Error(`${name} lets EICAR through: ${reply}`);
  }
}
