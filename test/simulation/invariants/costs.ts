import { costKey } from '../../../functions/shared/contract/result-keys.ts';
import type { World } from '../world/world.ts';
import type { Finding } from './finding.ts';

/** What a result line of the API here says of its tokens (`test/fakes/simulated-batch.ts`). */
const INPUT = 10;
const OUTPUT = 5;

/** Each row is billed once, whatever repeats itself: the cost of a job is that of its rows, and so says its one object. */
export function costsOnce(world: World): Finding {
  const broken: string[] = [];
  const objects = world.results.objects();
  let examined = 0;
  for (const job of world.ledger.jobs()) {
    if (!job.cost || !job.rows) continue;
    examined += 1;
    const { models } = job.cost;
    const sum = (name: 'rows' | 'inputTokens' | 'outputTokens') =>
      models.reduce((total, model) => total + model[name], 0);
    const { succeeded } = job.rows;
    if (sum('rows') !== succeeded)
      broken.push(`job ${job.jobId}: ${succeeded} rows succeeded, ${sum('rows')} are billed`);
    if (sum('inputTokens') !== INPUT * succeeded || sum('outputTokens') !== OUTPUT * succeeded)
      broken.push(
        `job ${job.jobId}: ${sum('inputTokens')} and ${sum('outputTokens')} tokens of ${succeeded} rows`,
      );
    const record = JSON.parse(Buffer.from(objects.get(costKey(job))?.body ?? '{}').toString());
    for (const [name, value] of Object.entries(job.cost))
      if (JSON.stringify(record[name]) !== JSON.stringify(value))
        broken.push(`job ${job.jobId}: its object says another ${name} than the ledger`);
  }
  return { promise: 'each row is billed once', examined, broken };
}
