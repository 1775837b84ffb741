import { WAIT_METRIC } from '../contract/metrics.ts';
import { NotAllowed, RetryableError, TerminalError } from '../domain/errors.ts';
import type { Part } from '../domain/part.ts';
import { backoffAfter, MAX_TRIES } from '../domain/timing.ts';
import { type MetObstacle, obstacleBackoff, obstacleIn } from '../domain/waiting/obstacle.ts';
import type { Ports } from '../ports/ports.ts';
import type { JobInHand, PartInHand } from './compare-and-set.ts';

type Deps = Pick<Ports, 'clock' | 'log' | 'metrics'>;

const KEY_REFUSED_BACKOFF_MS = 2 * 60_000; // a rotated key is in use within this time
const MAX_LAST_FAILURE = 300; // characters
const STALLED_AFTER_MS = 5 * 3_600_000; // longer than all counted tries of a step take

/**
 * Records a failed step on the part, which is tried again after a backoff. The try is not counted if the part met an
 * obstacle (`obstacle.ts`), or if the other system asked to wait. Any other failure counts. Defects are logged as
 * errors. If all tries are used up while a batch may exist, the part is stalled: Batchdrop still retries it, and an
 * alarm reports it. Errors: RetryableError.
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
    const waits = { ...afterFailure(deps, part, failure, backoff), ...lastFailure(failure, backoff) };
    if (waits.tries < MAX_TRIES || !mayHaveBatch(part)) return { ...part, ...waits };
    const message = `${step}: ${waits.tries} tries failed; Batchdrop tries again every half hour`;
    return { ...part, ...waits, stalled: { code: 'tries_used_up', message } };
  });
  // Reported at every try, so that the alarm stays on while the part is stalled.
  const { stalled, tries, obstacle } = inHand.item;
  noteWait(deps, obstacle, { ...ids, step });
  if (!stalled) return;
  deps.metrics.record('Stalled', 1);
  deps.log.error('part_stalled', { ...ids, step, tries });
}

/**
 * Returns the message of a counted failure of another system. The messages of defects go only to the log, because they
 * may quote anything.
 */
function lastFailure(failure: unknown, { counted }: Backoff): { lastFailure?: string } {
  if (!counted || !(failure instanceof RetryableError)) return {};
  return { lastFailure: failure.message.slice(0, MAX_LAST_FAILURE) };
}

function mayHaveBatch({ phase, batch }: Part): boolean {
  return batch !== undefined || phase === 'creating';
}

/** Records a failed step on the job, which is tried again after a backoff. Errors: RetryableError. */
export async function recordJobFailure(
  deps: Deps,
  inHand: JobInHand,
  step: string,
  failure: unknown,
): Promise<void> {
  const jobId = inHand.ref;
  const backoff = backoffFor(deps, failure, step, { jobId });
  await inHand.change((job) => ({ ...job, ...afterFailure(deps, job, failure, backoff) }));
  const { status, tries, obstacle } = inHand.item;
  noteWait(deps, obstacle, { jobId, step });
  if (status === 'received' || tries < MAX_TRIES) return;
  deps.metrics.record('Stalled', 1);
  deps.log.error('job_stalled', { jobId, step, tries });
}

interface Waits {
  tries: number;
  backoffUntil: number;
  obstacle?: MetObstacle;
}

/** Returns the fields that a failure sets on its item. */
function afterFailure(
  { clock }: Deps,
  item: { tries: number; obstacle?: MetObstacle },
  failure: unknown,
  backoff: Backoff,
): Waits {
  const now = clock.now();
  const tries = item.tries + (backoff.counted ? 1 : 0);
  const obstacle = obstacleIn(failure, item.obstacle, now);
  if (!obstacle) return { tries, backoffUntil: now + (backoff.milliseconds ?? backoffAfter(tries)) };
  const milliseconds = Math.max(backoff.milliseconds ?? 0, obstacleBackoff(obstacle, now));
  return { tries, backoffUntil: now + (backoff.exact ?? milliseconds), obstacle };
}

/**
 * Counts the wait by its reason. A wait of several hours is reported like a stalled item, although it is not a failure.
 */
function noteWait(
  { clock, log, metrics }: Deps,
  obstacle: MetObstacle | undefined,
  ids: { jobId: string; part?: number; step: string },
): void {
  if (!obstacle) return;
  const { for: reason, since, said } = obstacle;
  metrics.record(WAIT_METRIC[reason], 1);
  if (clock.now() - since < STALLED_AFTER_MS || reason === 'account') return; // this reason has its own alarm
  metrics.record('Stalled', 1);
  log.error('waits_long', { ...ids, reason, since, said });
}

interface Backoff {
  counted: boolean;
  milliseconds?: number;
  /** If set, this is the backoff, whatever the obstacle. */
  exact?: number;
}

function backoffFor(
  { log, metrics }: Deps,
  failure: unknown,
  step: string,
  ids: { jobId: string; part?: number },
): Backoff {
  if (failure instanceof RetryableError) {
    const { afterSeconds, waitsFor, said } = failure;
    log.warn('step_to_be_retried', { ...ids, step, afterSeconds, waitsFor, said, reason: failure.message });
    const counted = afterSeconds === undefined && waitsFor === undefined;
    return { counted, ...(afterSeconds === undefined ? {} : { milliseconds: afterSeconds * 1000 }) };
  }
  if (failure instanceof NotAllowed) {
    log.error('not_allowed', { ...ids, step }, failure);
    metrics.record('KeyRefused', 1);
    return { counted: false, exact: KEY_REFUSED_BACKOFF_MS };
  }
  log.error(failure instanceof TerminalError ? 'step_refused' : 'step_failed', { ...ids, step }, failure);
  return { counted: true };
}
