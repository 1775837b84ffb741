import { NotAllowed, RetryableError, TerminalError } from '../domain/errors.ts';
import type { Part } from '../domain/part.ts';
import { MAX_TRIES, pauseAfter } from '../domain/timing.ts';
import type { Ports } from '../ports/ports.ts';
import type { JobInHand, PartInHand } from './compare-and-set.ts';

type Deps = Pick<Ports, 'clock' | 'log' | 'metrics'>;

const KEY_REFUSED_PAUSE_MS = 2 * 60_000; // a rotated key is picked up within this time

/**
 * Records a failed step on the part, so that it is tried again when due. Backpressure (the other side said how long to
 * wait, or refuses the key) is not counted; anything else is, and defects are logged as errors. When the tries are used up
 * while a batch may exist, the part is stalled: tried on, and reported. Errors: RetryableError, if even that fails.
 */
export async function recordPartFailure(
  deps: Deps,
  inHand: PartInHand,
  step: string,
  failure: unknown,
): Promise<void> {
  const ids = { jobId: inHand.ref.jobId, part: inHand.ref.number };
  const pause = pauseFor(deps, failure, step, ids);
  await inHand.change((part) => {
    const tries = part.tries + (pause.counted ? 1 : 0);
    const backoffUntil = deps.clock.now() + (pause.milliseconds ?? pauseAfter(tries));
    if (tries < MAX_TRIES || !mayHaveBatch(part)) return { ...part, tries, backoffUntil };
    const message = `${step}: ${tries} tries have failed; it is tried again every half an hour`;
    return { ...part, tries, backoffUntil, stalled: { code: 'tries_used_up', message } };
  });
  // At every try, so that it is not forgotten: the alarm stays on while the part is stalled.
  const { stalled, tries } = inHand.item;
  if (!stalled) return;
  deps.metrics.record('Stalled', 1);
  deps.log.error('part_stalled', { ...ids, step, tries });
}

function mayHaveBatch({ phase, batch }: Part): boolean {
  return batch !== undefined || phase === 'creating';
}

/** The same for a job. */
export async function recordJobFailure(
  deps: Deps,
  inHand: JobInHand,
  step: string,
  failure: unknown,
): Promise<void> {
  const jobId = inHand.ref;
  const pause = pauseFor(deps, failure, step, { jobId });
  await inHand.change((job) => {
    const tries = job.tries + (pause.counted ? 1 : 0);
    return { ...job, tries, backoffUntil: deps.clock.now() + (pause.milliseconds ?? pauseAfter(tries)) };
  });
  const { status, tries } = inHand.item;
  if (status === 'received' || tries < MAX_TRIES) return;
  deps.metrics.record('Stalled', 1);
  deps.log.error('job_stalled', { jobId, step, tries });
}

function pauseFor(
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
    return { counted: false, milliseconds: KEY_REFUSED_PAUSE_MS };
  }
  log.error(failure instanceof TerminalError ? 'step_refused' : 'step_failed', { ...ids, step }, failure);
  return { counted: true };
}
