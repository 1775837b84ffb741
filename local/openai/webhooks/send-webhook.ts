import { randomBytes } from 'node:crypto';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { Webhook } from 'standardwebhooks';

/** The result of one attempt: the status of the response, or why there was none. */
export type Attempt = { readonly status: number } | { readonly problem: string };

const USER_AGENT = 'OpenAI/1.0 (+https://platform.openai.com/docs/webhooks)';
const PREFIX = 'whsec_';

/** Returns a new signing secret. */
export function newSecret(): string {
  return PREFIX + randomBytes(32).toString('base64');
}

/** Returns whether the text can be a signing secret: `whsec_` and the base64 of at least 16 bytes. */
export function isSigningSecret(text: string): boolean {
  const encoded = text.slice(PREFIX.length);
  const bytes = Buffer.from(encoded, 'base64');
  return text.startsWith(PREFIX) && bytes.length >= 16 && bytes.toString('base64') === encoded;
}

/**
 * Returns the headers of Standard Webhooks for a body. Each secret makes one signature.
 * [Source](https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md)
 */
export function signedHeaders(
  webhookId: string,
  body: string,
  { secrets, at }: { secrets: readonly string[]; at: number },
): Record<string, string> {
  return {
    'webhook-id': webhookId,
    'webhook-timestamp': String(Math.floor(at / 1_000)),
    'webhook-signature': secrets
      .map((secret) => new Webhook(secret).sign(webhookId, new Date(at), body))
      .join(' '),
  };
}

/** Posts a webhook once. It follows no redirects, and does not read the body of the response. Never rejects. */
export function sendWebhook(
  url: string,
  body: string,
  headers: Record<string, string>,
  { closing, answerMs }: { closing: AbortSignal; answerMs: number },
): Promise<Attempt> {
  const { promise, resolve } = Promise.withResolvers<Attempt>();
  const send = url.startsWith('https:') ? requestHttps : requestHttp;
  const limit = AbortSignal.timeout(answerMs);
  const request = send(url, {
    method: 'POST',
    agent: false,
    signal: AbortSignal.any([closing, limit]),
    headers: {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'user-agent': USER_AGENT,
      ...headers,
    },
  });
  request.on('response', (response) => {
    response.on('error', () => {}); // only the status matters
    response.resume();
    resolve({ status: response.statusCode ?? 0 });
  });
  request.on('error', (error) => {
    const late = `no answer within ${answerMs / 1_000} seconds`;
    resolve({ problem: limit.aborted ? late : error.message || error.name });
  });
  request.end(body);
  return promise;
}
