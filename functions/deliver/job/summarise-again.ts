import { resultKeys } from '../../shared/contract/result-keys.ts';
import { isDelivered } from '../../shared/lifecycle/check-parts.ts';
import { partsOfPlan } from '../../shared/lifecycle/parts-of-plan.ts';
import { allWithPast } from '../../shared/lifecycle/spending/past-attempts.ts';
import type { Ports } from '../../shared/ports/ports.ts';
import type { JobWithResults } from './job-end.ts';
import { summaryText } from './summary.ts';

type Deps = Pick<Ports, 'ledger' | 'log' | 'metrics' | 'results'>;

/** Rewrites the summary of an ended job from the ledger. Errors: RetryableError, also if parts are missing. */
export async function summariseAgain(deps: Deps, job: JobWithResults): Promise<void> {
  const parts = await partsOfPlan(deps, job);
  const whole = await allWithPast(deps, parts.filter(isDelivered));
  await deps.results.put(resultKeys(job).summary, summaryText(job, whole), 'application/json');
}
