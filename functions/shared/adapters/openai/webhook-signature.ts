import { Webhook } from 'standardwebhooks';
import type { IsGenuine } from '../../ports/ports.ts';

const PREFIX = 'whsec_'; // the rest is base64; a secret without the prefix is used unchanged

/**
 * The library ignores anything after a number or a signature. This file refuses headers that were changed or sent
 * twice.
 */
const TIMESTAMP = /^\d+$/;
const SIGNATURES = /^[^\s,]+,[^\s,]+(?: [^\s,]+,[^\s,]+)*$/;

/**
 * Verifies a signature by the rules of Standard Webhooks
 * ([source](https://github.com/standard-webhooks/standard-webhooks)). `webhook-signature` may contain several
 * signatures. A timestamp that differs from now by more than five minutes is refused.
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
    return false; // any error means that the request is not genuine
  }
}
