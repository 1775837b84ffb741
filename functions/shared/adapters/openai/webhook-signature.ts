import { Webhook } from 'standardwebhooks';
import type { IsGenuine } from '../../ports/ports.ts';

const PREFIX = 'whsec_'; // what follows it is base64; a secret without it is used as it is

/** The library reads past what follows a number or a signature; a header that was changed or sent twice is refused here. */
const TIMESTAMP = /^\d+$/;
const SIGNATURES = /^[^\s,]+,[^\s,]+(?: [^\s,]+,[^\s,]+)*$/;

/**
 * Verifies a signature by the rules of Standard Webhooks: `webhook-signature` may hold several, and a timestamp more
 * than five minutes from now is refused ([source](https://github.com/standard-webhooks/standard-webhooks)).
 */
export const isGenuine: IsGenuine = (secrets, headers, body) =>
  TIMESTAMP.test(headers['webhook-timestamp'] ?? '') &&
  SIGNATURES.test(headers['webhook-signature'] ?? '') &&
  secrets.some((secret) => isSignedBy(secret, headers, body));

function isSignedBy(secret: string, headers: Parameters<IsGenuine>[1], body: Buffer): boolean {
  const known = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
  try {
    const webhook = secret.startsWith(PREFIX)
      ? new Webhook(secret)
      : new Webhook(Buffer.from(secret), { format: 'raw' });
    webhook.verify(body, known as Record<string, string>, { jsonParse: false });
    return true;
  } catch {
    return false; // whatever a forged request provokes, it is not genuine
  }
}
