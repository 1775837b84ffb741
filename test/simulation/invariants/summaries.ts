import { costKey, resultKeys } from '../../../functions/shared/contract/result-keys.ts';
import { isOver, type Job } from '../../../functions/shared/domain/job.ts';
import { isoTime } from '../../../functions/shared/lifecycle/status-events.ts';
import type { World } from '../world/world.ts';
import type { Finding } from './finding.ts';

/** Whoever ended a job, and whatever repeated itself: its summary and its cost record say what the ledger says. */
export function summariesAgree(world: World): Finding {
  const broken: string[] = [];
  let examined = 0;
  for (const job of world.ledger.jobs()) {
    if (!isOver(job) || !('rows' in job)) continue;
    examined += 1;
    const told = { summary: resultKeys(job).summary, 'cost record': costKey(job) };
    for (const [name, key] of Object.entries(told)) {
      const text = textIn(world, key);
      for (const [field, value] of Object.entries(toldOf(world, job, name))) {
        const said = JSON.stringify(text[field]);
        if (said !== JSON.stringify(value))
          broken.push(
            `job ${job.jobId}: its ${name} says ${field} ${said}, the ledger ${JSON.stringify(value)}`,
          );
      }
    }
  }
  return { promise: 'the summary says what the ledger says', examined, broken };
}

function toldOf(world: World, job: Job, name: string): Record<string, unknown> {
  const both = { status: job.status, rows: job.rows, endedAt: isoTime(job.changedAt) };
  if (name !== 'summary') return both;
  const parts = world.ledger
    .wholeParts()
    .filter(({ jobId, planId }) => jobId === job.jobId && planId === job.plan?.planId)
    .toSorted((one, other) => one.number - other.number);
  const secondBatches = parts.map(({ secondBatchIds }) => secondBatchIds);
  return { ...both, cost: job.cost, reason: job.reason ?? null, secondBatches };
}

function textIn(world: World, key: string): Record<string, unknown> {
  const text = JSON.parse(Buffer.from(world.results.objects().get(key)?.body ?? '{}').toString());
  const parts: { secondBatchIds: string[] }[] = text.parts ?? [];
  return { ...text, secondBatches: parts.map(({ secondBatchIds }) => secondBatchIds) };
}
