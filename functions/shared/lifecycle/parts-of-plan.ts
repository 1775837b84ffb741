import { RetryableError } from '../domain/errors.ts';
import type { Job } from '../domain/job.ts';
import type { Part } from '../domain/part.ts';
import type { Ports } from '../ports/ports.ts';

/**
 * Returns all parts of the job's committed plan; none without a plan. A job is never dispatched or ended with fewer
 * parts than its plan has, because the rows of the others would be lost silently (rule 7 of "What an answer is worth",
 * docs/architecture.md). Instead it waits, and an alarm reports it. It continues once the ledger has the parts, for
 * example after a restore. Errors: RetryableError, also if parts are missing.
 */
export async function partsOfPlan(
  { ledger, log, metrics }: Pick<Ports, 'ledger' | 'log' | 'metrics'>,
  { jobId, plan }: Job,
): Promise<Part[]> {
  if (!plan) return [];
  const parts = await ledger.partsOf(jobId, plan.planId);
  if (parts.length >= plan.parts) return parts;
  metrics.record('Stalled', 1);
  log.error('parts_missing', { jobId, found: parts.length, planned: plan.parts });
  throw new RetryableError(`job ${jobId}: the ledger has ${parts.length} of its ${plan.parts} parts`);
}
