import { Webhook } from 'standardwebhooks';
import type { WebhookRequest } from '../../../functions/webhook/read-request.ts';

export const SIGNING_SECRET = `whsec_${Buffer.from('a secret of the tests, 32 bytes.').toString('base64')}`;

/** The inputs of a signature besides the body. `at`: in milliseconds. */
export interface Signing {
  secret?: string;
  at?: number;
  id?: string;
}

/** Returns the signature header of a body. A secret without `whsec_` is used unchanged. */
export function signatureOf(
  body: Buffer,
  { secret = SIGNING_SECRET, at = Date.now(), id = 'wh_1' }: Signing = {},
): string {
  const webhook = secret.startsWith('whsec_')
    ? new Webhook(secret)
    : new Webhook(Buffer.from(secret), { format: 'raw' });
  return webhook.sign(id, new Date(at), body);
}

/** Returns a signed request with this event or these bytes. */
export function signedRequest(event: object | Buffer, signing: Signing = {}): WebhookRequest {
  const body = Buffer.isBuffer(event) ? event : Buffer.from(JSON.stringify(event));
  const { at = Date.now(), id = 'wh_1' } = signing;
  return {
    method: 'POST',
    headers: {
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at / 1000)),
      'webhook-signature': signatureOf(body, { ...signing, at, id }),
    },
    body,
  };
}
