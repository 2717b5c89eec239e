/**
 * Asks a policy service as Postfix's smtpd does, one request after the other on each connection, in
 * a process of its own: node policy-load.ts SOCKET CONNECTIONS SECONDS says how many were answered.
 */
import { connect } from 'node:net';
import { argv, stdout } from 'node:process';

const [, , path = '', connections = '1', seconds = '1'] = argv;

/** What Postfix 3.7 sends at RCPT. */
const request = Buffer.from(
  [
    ...['request=smtpd_access_policy', 'protocol_state=RCPT', 'protocol_name=ESMTP'],
    ...['client_address=192.0.2.1', 'client_name=mail.example.net', 'client_port=41234'],
    ...['reverse_client_name=mail.example.net', 'server_address=198.51.100.1', 'server_port=25'],
    ...['helo_name=mail.example.net', 'sender=anna@example.net', 'recipient=ben@example.org'],
    ...['recipient_count=0', 'queue_id=', 'instance=1f2.65673c4a.1b9d4.0', 'size=4096'],
    ...['etrn_domain=', 'stress=', 'sasl_method=', 'sasl_username=', 'sasl_sender='],
    ...['ccert_subject=', 'ccert_issuer=', 'ccert_fingerprint=', 'ccert_pubkey_fingerprint='],
    ...['encryption_protocol=', 'encryption_cipher=', 'encryption_keysize=0', 'policy_context='],
    ...['', ''],
  ].join('\n'),
);

const end = performance.now() + Number(seconds) * 1000;

function ask(): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path });
    let answered = 0;
    socket.on('connect', () => socket.write(request)).on('error', reject);
    socket.on('data', (bytes: Buffer) => {
      if (bytes.toString('latin1') !== 'action=DUNNO\n\n') {
        reject(new Error(`not an answer: ${bytes.toString('latin1')}`));
        return;
      }
      answered++;
      if (performance.now() < end) socket.write(request);
      else {
        socket.destroy();
        resolve(answered);
      }
    });
  });
}

const answered = await Promise.all(Array.from({ length: Number(connections) }, ask));
stdout.write(`${answered.reduce((sum, one) => sum + one, 0)}\n`);
