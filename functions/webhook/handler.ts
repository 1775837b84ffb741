/**
 * WEBHOOK receives webhooks of the Batch API. Each means "observe this batch now".
 *   1. read     verify the signature over the raw bytes (`read-request.ts`)
 *   2. note     in the ledger, once a minute, that a genuine webhook was received (`webhook-note.ts`)
 *   3. find     the part that has the batch (`find-part.ts`)
 *   4. observe  retrieve the batch and apply its status, as POLL does. The status in the webhook is not believed
 *               (`observe-now.ts`)
 *   5. answer   200 once the ledger contains the result, otherwise 503, so that the API sends the webhook again
 *
 * Webhooks may be repeated and arrive in any order; the ledger's compare-and-set handles both. POLL finds every end
 * that no webhook reported.
 */
import type { AdvanceDeps } from '../shared/lifecycle/advance.ts';
import { apiUntil } from '../shared/lifecycle/api-until.ts';
import type { Deadline, IsGenuine, Ports, SigningSecrets } from '../shared/ports/ports.ts';
import { type About, observeTold } from './observe-told.ts';
import { readRequest, type WebhookAnswer, type WebhookRequest } from './read-request.ts';
import { WebhookNote } from './webhook-note.ts';

export type WebhookDeps = AdvanceDeps &
  Pick<Ports, 'api'> & { secrets: SigningSecrets; isGenuine: IsGenuine };

/** Responds to one request at the function's URL. It never throws: after a 503, the API sends the webhook again. */
export function createHandler(
  made: WebhookDeps,
): (request: WebhookRequest, deadline: Deadline) => Promise<WebhookAnswer> {
  const note = new WebhookNote(made);
  return async (request, deadline) => {
    const deps = { ...made, api: apiUntil(made.api, deadline.signal) };
    const about: About = {};
    try {
      const told = await readRequest(deps, request);
      if ('batchId' in told) return await observeTold(deps, note, Object.assign(about, told));
      if (told.status >= 400) {
        deps.metrics.record('WebhooksRefused', 1);
        deps.log.warn('webhook_refused', { status: told.status, bytes: request.body.length });
      }
      return told;
    } catch (failure) {
      deps.log.error('webhook_failed', { batchId: about.batchId, jobId: about.jobId }, failure);
      return { status: 503, said: 'Not recorded; send it again.' };
    }
  };
}
