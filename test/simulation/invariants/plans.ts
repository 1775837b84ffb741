import type { Put, Workload } from '../world/workload.ts';
import type { World } from '../world/world.ts';
import type { Finding } from './finding.ts';

/** Promise 4, and groups: a bad file sends nothing; of a good one each row is planned once, in a batch of its model. */
export function planned(world: World, users: Workload): Finding {
  const broken: string[] = [];
  let examined = 0;
  const puts = new Map(users.puts.map((put) => [put.jobId, put]));
  for (const { jobId, plan, status } of world.ledger.jobs()) {
    const put = puts.get(jobId);
    if (!put) continue;
    if (!put.isBad && status === 'rejected') broken.push(`job ${jobId}: a good file was rejected`);
    if (!plan) continue;
    if (put.isBad) broken.push(`job ${jobId}: a bad file was planned`);
    const parts = world.ledger.parts().filter((part) => part.jobId === jobId && part.planId === plan.planId);
    const rows = parts.reduce((sum, part) => sum + part.rows, 0);
    examined += rows;
    if (parts.length !== plan.parts)
      broken.push(`job ${jobId}: ${plan.parts} parts, ${parts.length} are there`);
    if (rows !== put.rows.length || plan.rows !== rows)
      broken.push(
        `job ${jobId}: ${put.rows.length} rows in the file, ${plan.rows} planned, ${rows} in parts`,
      );
  }
  broken.push(...sentToAnotherModel(world, puts));
  return { promise: 'each row planned once, by model', examined, broken };
}

function sentToAnotherModel(world: World, puts: ReadonlyMap<string, Put>): string[] {
  const parts = new Map(
    world.ledger.parts().flatMap((part) => {
      const batches = [part.batch?.batchId, ...part.earlierBatchIds, ...part.secondBatchIds];
      return batches.map((batchId) => [batchId, part] as const);
    }),
  );
  return world.api.audit().billed.flatMap(({ batchId, customId }) => {
    const part = parts.get(batchId);
    const row = part && puts.get(part.jobId)?.rows.find((known) => known.customId === customId);
    if (!part || !row || row.model === part.model) return [];
    return [`row ${customId} of model ${row.model} ran in a batch of ${part.model}`];
  });
}
