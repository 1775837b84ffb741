/**
 * Reads a request that anybody on the internet may have sent. Before its signature over the raw bytes is verified,
 * nothing in it is parsed, and nothing is read from the ledger or the API.
 */
import { isUtf8 } from 'node:buffer';
import { isApiId } from '../shared/contract/api-id.ts';
import type { IsGenuine, SigningSecrets } from '../shared/ports/ports.ts';

/** A request at the function's URL. Header names are in lower case. */
export interface WebhookRequest {
  method: string;
  headers: Readonly<Record<string, string | undefined>>;
  body: Buffer;
}

/** The response to the sender. The sender repeats the request after any status outside 200 to 299. */
export interface WebhookAnswer {
  status: number;
  /** One sentence, for people who test the URL by hand. */
  said: string;
}

/** The end of a batch that a genuine webhook reports. Its status is not believed. */
export interface ToldEnd {
  batchId: string;
}

/** The maximum length of a body in bytes. OpenAI's bodies have about 200. */
export const MAX_BODY_BYTES = 64 * 1024;

const BATCH_EVENTS: ReadonlySet<string> = new Set([
  'batch.completed',
  'batch.failed',
  'batch.expired',
  'batch.cancelled',
]);

/**
 * Returns the end that the request reports, or the response to a request that reports none. Errors: those of the
 * secrets.
 */
export async function readRequest(
  { secrets, isGenuine }: { secrets: SigningSecrets; isGenuine: IsGenuine },
  { method, headers, body }: WebhookRequest,
): Promise<ToldEnd | WebhookAnswer> {
  if (method !== 'POST') return { status: 405, said: 'This URL accepts webhooks by POST only.' };
  if (body.length > MAX_BODY_BYTES)
    return { status: 413, said: `The body has ${body.length} bytes; ${MAX_BODY_BYTES} are allowed.` };
  if (!isUtf8(body)) return { status: 400, said: 'The body is not UTF-8.' };
  const isSigned = async () =>
    isGenuine(await secrets.current(), headers, body) ||
    isGenuine(await secrets.afterRefusal(), headers, body);
  if (!(await isSigned()))
    return {
      status: 401,
      said: 'The signature does not match a known secret, or is older than five minutes.',
    };
  return endIn(body.toString());
}

function endIn(text: string): ToldEnd | WebhookAnswer {
  const event = parsed(text);
  if (typeof event?.type !== 'string') return { status: 400, said: 'The body is not an event with a type.' };
  if (!BATCH_EVENTS.has(event.type))
    return { status: 200, said: 'Ignored: the event is not about the end of a batch.' };
  const batchId = Object(event.data).id;
  if (typeof batchId !== 'string' || !isApiId(batchId))
    return { status: 400, said: 'The event names no batch in `data.id`.' };
  return { batchId };
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    return Object(JSON.parse(text));
  } catch {
    return undefined;
  }
}
