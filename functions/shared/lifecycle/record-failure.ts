import { NotAllowed, RetryableError, TerminalError } from '../domain/errors.ts';
import type { PartRef } from '../domain/part.ts';
import { MAX_TRIES, pauseAfter } from '../domain/timing.ts';
import type { Ports } from '../ports/ports.ts';
import { changeJob, changePart } from './compare-and-set.ts';
import { LostLease } from './lease.ts';

type Deps = Pick<Ports, 'ledger' | 'clock' | 'log' | 'metrics'>;

const KEY_REFUSED_PAUSE_MS = 2 * 60_000; // a rotated key is picked up within this time

/**
 * Notes a failed step on the part, so that it is tried again when due. Backpressure (the other side said how long to
 * wait, or refuses the key) is not counted; anything else is, and defects are logged as errors. When the tries are
 * used up while a batch may exist, the part is held: tried on, and reported. Errors: RetryableError, if even that fails.
 */
export async function recordPartFailure(
  deps: Deps,
  ref: PartRef,
  step: string,
  failure: unknown,
): Promise<void> {
  if (failure instanceof LostLease) return;
  const ids = { jobId: ref.jobId, part: ref.number };
  const pause = pauseFor(deps, failure, step, ids);
  const noted = await changePart(deps, ref, (part) => {
    const tries = part.tries + (pause.counted ? 1 : 0);
    const backoffUntil = deps.clock.now() + (pause.milliseconds ?? pauseAfter(tries));
    const mayHaveBatch = part.batch !== undefined || part.intent?.sendBy !== undefined;
    if (tries < MAX_TRIES || !mayHaveBatch) return { ...part, tries, backoffUntil };
    const message = `${step}: ${tries} tries have failed; tried on every half an hour`;
    return { ...part, tries, backoffUntil, stalled: { code: 'tries_used_up', message } };
  });
  // At every try, so that it is not forgotten: the alarm stays on while it is held.
  if (!noted?.part.stalled) return;
  deps.metrics.record('Stalled', 1);
  deps.log.error('part_stalled', { ...ids, step, tries: noted.part.tries });
}

/** The same for a job. */
export async function recordJobFailure(
  deps: Deps,
  jobId: string,
  step: string,
  failure: unknown,
): Promise<void> {
  if (failure instanceof LostLease) return;
  const pause = pauseFor(deps, failure, step, { jobId });
  const noted = await changeJob(deps, jobId, (job) => {
    const tries = job.tries + (pause.counted ? 1 : 0);
    return { ...job, tries, backoffUntil: deps.clock.now() + (pause.milliseconds ?? pauseAfter(tries)) };
  });
  if (!noted || noted.job.status === 'received' || noted.job.tries < MAX_TRIES) return;
  deps.metrics.record('Stalled', 1);
  deps.log.error('job_stalled', { jobId, step, tries: noted.job.tries });
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
