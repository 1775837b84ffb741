import type { AdvanceDeps } from '../shared/lifecycle/advance.ts';
import type { Ports } from '../shared/ports/ports.ts';
import { findPart } from './find-part.ts';
import { observeNow } from './observe-now.ts';
import type { ToldEnd, WebhookAnswer } from './read-request.ts';
import type { WebhookNote } from './webhook-note.ts';

/** The response for a batch without an intent of ours. */
export const OF_ANOTHER_PROGRAM = 'Ignored: another program created the batch.';

/** What a genuine webhook is about, for the log. Fields are absent while they are not known. */
export interface About {
  batchId?: string;
  jobId?: string;
}

/** Observes the batch that a genuine webhook is about, if it is ours. Errors: RetryableError. */
export async function observeTold(
  deps: AdvanceDeps & Pick<Ports, 'api'>,
  note: WebhookNote,
  about: About & ToldEnd,
): Promise<WebhookAnswer> {
  const { batchId } = about;
  deps.metrics.record('WebhooksReceived', 1);
  const isNoted = await note.keep();
  const found = await findPart(deps, batchId);
  if (found === 'foreign') {
    deps.metrics.record('WebhooksForeign', 1);
    return { status: 200, said: OF_ANOTHER_PROGRAM };
  }
  if (found === 'early') {
    if (!isNoted) await note.write();
    return { status: 200, said: 'The batch is not known yet: noted.' };
  }
  about.jobId = found.jobId;
  await observeNow(deps, found, batchId);
  return { status: 200, said: 'Observed.' };
}
