/**
 * Cancels the batches that run although a budget that pays for them is used up (`stopsRunning`, `budget.ts`). The cancel is an
 * ordinary one: what the API has processed by then is delivered, and the other rows end as cancelled. A batch of an approved
 * job goes on, because a person wanted it in spite of the budget.
 */
import { withLastCancel } from '../../shared/domain/job.ts';
import type { Charge } from '../../shared/domain/money/budget.ts';
import type { Part } from '../../shared/domain/part.ts';
import { withCancelRequest } from '../../shared/domain/part-end.ts';
import { changeJob, changePart } from '../../shared/lifecycle/compare-and-set.ts';
import { inParallel } from '../../shared/lifecycle/in-parallel.ts';
import type { Ports } from '../../shared/ports/ports.ts';

type Deps = Pick<Ports, 'ledger' | 'clock' | 'log'>;

const AT_ONCE = 16;

/** Cancels the attempts of the charges. What fails now is done by the next tick. */
export async function stopAtBudget(deps: Deps, charges: readonly Charge[]): Promise<void> {
  await inParallel(charges, AT_ONCE, async (charge) => {
    try {
      await stop(deps, charge);
    } catch (failure) {
      const reason = failure instanceof Error ? failure.message : String(failure);
      deps.log.warn('part_not_stopped', { jobId: charge.jobId, part: charge.number, reason });
    }
  });
}

async function stop(deps: Deps, charge: Charge): Promise<void> {
  const { clock, log } = deps;
  const { jobId, number } = charge;
  const at = clock.now();
  const stopped = await changePart(deps, charge, (part) =>
    isStoppable(part, charge) ? withCancelRequest(part, at) : undefined,
  );
  if (!stopped?.changed) return;
  const message = `part ${number} of job ${jobId} was cancelled: the budget that pays for it is used up`;
  log.error('stopped_at_budget', {
    jobId,
    part: number,
    batchId: stopped.part.batch?.batchId,
    reason: message,
  });
  await changeJob(deps, jobId, (job) => withLastCancel(job, { at, outcome: 'requested', message }));
}

/** Returns whether the charge's attempt may still be billed for more rows, and nobody approved it. */
function isStoppable(part: Part, { at }: Charge): boolean {
  if (part.admission?.at !== at || part.approvedAt !== undefined) return false;
  switch (part.phase) {
    case 'ready':
    case 'uploading':
    case 'uploaded':
    case 'creating':
    case 'retrying':
    case 'running':
      return true;
    case 'planned':
    case 'waiting':
    case 'requeued':
    case 'stalled':
    case 'batch_ended':
    case 'ended':
    case 'delivered':
      return false;
  }
}
