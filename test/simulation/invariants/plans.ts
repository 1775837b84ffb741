import type { JobIn } from '../../../functions/shared/domain/job.ts';
import type { Upload, Workload } from '../world/workload.ts';
import type { World } from '../world/world.ts';
import type { Finding } from './finding.ts';

/** Promise 4: nothing is sent of an invalid file. Each row of a valid file is planned once, in a batch of its model. */
export function planned(world: World, users: Workload): Finding {
  const broken: string[] = [];
  let examined = 0;
  const uploads = new Map(users.uploads.map((upload) => [upload.jobId, upload]));
  for (const job of world.ledger.jobs()) {
    const { jobId, plan, status } = job;
    const upload = uploads.get(jobId);
    if (!upload) continue;
    if (job.status === 'rejected') broken.push(...missedIds(job, upload));
    if (!upload.isBad && status === 'rejected') broken.push(`job ${jobId}: a good file was rejected`);
    if (!plan) continue;
    if (upload.isBad) broken.push(`job ${jobId}: a bad file was planned`);
    const parts = world.ledger
      .wholeParts()
      .filter((part) => part.jobId === jobId && part.planId === plan.planId);
    const rows = parts.reduce((sum, part) => sum + part.rows, 0);
    examined += rows;
    if (parts.length !== plan.parts)
      broken.push(`job ${jobId}: ${plan.parts} parts, ${parts.length} are there`);
    if (rows !== upload.rows.length || plan.rows !== rows)
      broken.push(
        `job ${jobId}: ${upload.rows.length} rows in the file, ${plan.rows} planned, ${rows} in parts`,
      );
  }
  broken.push(...sentToAnotherModel(world, uploads));
  return { promise: 'each row planned once, by model', examined, broken };
}

/** An invalid file contains each row twice. Each repeated id is found once, however many invocations read the file. */
function missedIds({ jobId, findings }: JobIn<'rejected'>, { rows }: Upload): string[] {
  const repeated = rows.length / 2;
  return findings.count === repeated
    ? []
    : [`job ${jobId}: ${findings.count} of ${repeated} repeated ids were found`];
}

function sentToAnotherModel(world: World, uploads: ReadonlyMap<string, Upload>): string[] {
  const parts = new Map(
    world.ledger.wholeParts().flatMap((part) => {
      const batches = [part.batch?.batchId, ...part.earlierBatchIds, ...part.secondBatchIds];
      return batches.map((batchId) => [batchId, part] as const);
    }),
  );
  return world.api.audit().billed.flatMap(({ batchId, customId }) => {
    const part = parts.get(batchId);
    const row = part && uploads.get(part.jobId)?.rows.find((known) => known.customId === customId);
    if (!part || !row || row.model === part.model) return [];
    return [`row ${customId} of model ${row.model} ran in a batch of ${part.model}`];
  });
}
