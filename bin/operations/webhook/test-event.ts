import { Failure } from '../../terminal/failure.ts';
import { notEnabled } from './registration.ts';
import { EVENT_TYPES, endpointsOf, NotManaged, type WebhookSetup } from './setup.ts';

const SEEN_WITHIN_MS = 4_000; // of real time; WEBHOOK writes the note before it responds

const WHY: Readonly<Record<number, string>> = {
  401: 'WEBHOOK does not know the signing secret. It reads a changed secret within a minute. If this repeats: batchdrop webhook enable',
  403: "AWS rejected the call: the function's URL is not public. Deploy the stack again.",
  404: 'AWS does not know this URL. Deploy the stack again, then: batchdrop webhook enable',
  429: "All of WEBHOOK's concurrency was in use. Try again.",
  503: 'WEBHOOK could not write to the ledger, or could not read a secret. See its log, and: batchdrop doctor',
};

/** The path of a webhook, as a test event has proven it. */
export interface ProvenPath {
  readonly endpointId: string;
  /** Milliseconds. */
  readonly seenAt: number;
}

/**
 * Makes the API send a test event, and waits until the ledger shows it: the event was signed with a known secret, and
 * its time was noted. Throws NotManaged and other Failures, which say where the path is broken.
 */
export async function proveWebhooks(setup: WebhookSetup): Promise<ProvenPath> {
  const { connection, endpoints, host, url } = setup;
  const [endpoint] = await endpointsOf(setup).catch((failure: unknown) => {
    throw failure instanceof NotManaged ? failure.insteadOf('test') : failure;
  });
  if (endpoint === undefined) throw notEnabled(setup);
  const before = await connection.ledger.readLastWebhook();
  const status = await endpoints.sendTest(endpoint.id, EVENT_TYPES[0]);
  if (status < 200 || status >= 300) {
    const why = WHY[status] ?? "See WEBHOOK's log.";
    throw new Failure(`${host} sent a test event, and ${url} returned ${status}. ${why}`);
  }
  const seenAt = await noteAfter(setup, before);
  if (seenAt !== undefined) return { endpointId: endpoint.id, seenAt };
  throw new Failure(
    `${host} says that ${url} returned ${status}, but the ledger shows no new webhook. Try again in a minute. If this repeats, the URL does not belong to this stack: deploy the stack again.`,
  );
}

/**
 * Waits for a note with another time than `before`, and returns it. It need not be later, because the clocks of
 * instances differ.
 */
async function noteAfter(
  { connection }: WebhookSetup,
  before: number | undefined,
): Promise<number | undefined> {
  const { ledger, pollIntervalMs } = connection;
  for (let waitedMs = 0; waitedMs <= SEEN_WITHIN_MS; waitedMs += pollIntervalMs) {
    const at = await ledger.readLastWebhook();
    if (at !== before) return at;
    await new Promise((resolve) => setTimeout(resolve, pollIntervalMs));
  }
  return undefined;
}
