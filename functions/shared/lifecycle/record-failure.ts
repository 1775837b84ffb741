import { NotAllowed, RetryableError, TerminalError } from '../domain/errors.ts';
import type { Part } from '../domain/part.ts';
import { backoffAfter, MAX_TRIES } from '../domain/timing.ts';
import type { Ports } from '../ports/ports.ts';
import type { JobInHand, PartInHand } from './compare-and-set.ts';

type Deps = Pick<Ports, 'clock' | 'log' | 'metrics'>;

const KEY_REFUSED_BACKOFF_MS = 2 * 60_000; // a rotated key is in use within this time

/**
 * Records a failed step on the part; the part is tried again after a backoff. A try is not counted when the other
 * system asked to wait, or refused the key; any other failure counts. Defects are logged as errors. When all tries are
 * used up while a batch may exist, the part is stalled: it is still tried, and an alarm reports it. Errors:
 * RetryableError.
 */
export async function recordPartFailure(
  deps: Deps,
  inHand: PartInHand,
  step: string,
  failure: unknown,
): Promise<void> {
  const ids = { jobId: inHand.ref.jobId, part: inHand.ref.number };
  const backoff = backoffFor(deps, failure, step, ids);
  await inHand.change((part) => {
    const tries = part.tries + (backoff.counted ? 1 : 0);
    const backoffUntil = deps.clock.now() + (backoff.milliseconds ?? backoffAfter(tries));
    if (tries < MAX_TRIES || !mayHaveBatch(part)) return { ...part, tries, backoffUntil };
    const message = `${step}: ${tries} tries failed; it is tried again every half hour`;
    return { ...part, tries, backoffUntil, stalled: { code: 'tries_used_up', message } };
  });
  // At every try, so that the alarm stays on while the part is stalled.
  const { stalled, tries } = inHand.item;
  if (!stalled) return;
  deps.metrics.record('Stalled', 1);
  deps.log.error('part_stalled', { ...ids, step, tries });
}

function mayHaveBatch({ phase, batch }: Part): boolean {
  return batch !== undefined || phase === 'creating';
}

/** Records a failed step on the job; the job is tried again after a backoff. Errors: RetryableError. */
export async function recordJobFailure(
  deps: Deps,
  inHand: JobInHand,
  step: string,
  failure: unknown,
): Promise<void> {
  const jobId = inHand.ref;
  const backoff = backoffFor(deps, failure, step, { jobId });
  await inHand.change((job) => {
    const tries = job.tries + (backoff.counted ? 1 : 0);
    return { ...job, tries, backoffUntil: deps.clock.now() + (backoff.milliseconds ?? backoffAfter(tries)) };
  });
  const { status, tries } = inHand.item;
  if (status === 'received' || tries < MAX_TRIES) return;
  deps.metrics.record('Stalled', 1);
  deps.log.error('job_stalled', { jobId, step, tries });
}

function backoffFor(
  { log, metrics }: Deps,
  failure: unknown,
  step: string,
  ids: { jobId: string; part?: number },
): { counted: boolean; milliseconds?: number } {
  if (failure instanceof RetryableError) {
    const { afterSeconds } = failure;
    log.warn('step_to_be_retried', { ...ids, step, afterSeconds, reason: failure.message });
    return afterSeconds === undefined
      ? { counted: true }
      : { counted: false, milliseconds: afterSeconds * 1000 };
  }
  if (failure instanceof NotAllowed) {
    log.error('not_allowed', { ...ids, step }, failure);
    metrics.record('KeyRefused', 1);
    return { counted: false, milliseconds: KEY_REFUSED_BACKOFF_MS };
  }
  log.error(failure instanceof TerminalError ? 'step_refused' : 'step_failed', { ...ids, step }, failure);
  return { counted: true };
}
