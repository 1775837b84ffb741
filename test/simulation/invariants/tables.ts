import { csvKey, resultKeys } from '../../../functions/shared/contract/result-keys.ts';
import type { Job } from '../../../functions/shared/domain/job.ts';
import type { Upload, Workload } from '../world/workload.ts';
import type { World } from '../world/world.ts';
import type { Finding } from './finding.ts';

/** A table has a row for each request, in the order of the file and with the outcome that the result files have. */
export function tablesAgree(world: World, users: Workload): Finding {
  const broken: string[] = [];
  let examined = 0;
  for (const job of world.ledger.jobs()) {
    const upload = users.uploads.find(({ jobId }) => jobId === job.jobId);
    if (!job.plan || !job.rows || !upload) continue;
    const isStored = world.results.objects().has(csvKey(job));
    if (!job.flat) {
      if (world.tables.always || isStored)
        broken.push(`job ${job.jobId}: a table that nobody asked for, or none`);
    } else if ('failed' in job.flat) {
      if (!users.deleted.has(job.jobId))
        broken.push(`job ${job.jobId}: no table, ${job.flat.failed.message}`);
    } else {
      examined += 1;
      const found = outcomesIn(world, csvKey(job)).join(' ');
      const expected = outcomesOf(world, job, upload).join(' ');
      if (found !== expected)
        broken.push(`job ${job.jobId}: the table has ${found}, the results ${expected}`);
      if (job.flat.rows !== job.rows.total || job.flat.succeeded !== job.rows.succeeded)
        broken.push(
          `job ${job.jobId}: the table counts ${job.flat.rows} rows, ${job.flat.succeeded} succeeded`,
        );
    }
  }
  return { promise: 'a table says what the results say', examined, broken };
}

/** No cell of a simulated table has a line end, and no cell before the outcome is one. */
function outcomesIn(world: World, key: string): string[] {
  const body = world.results.objects().get(key)?.body;
  if (!body) return ['nothing'];
  const [, ...rows] = Buffer.from(body).toString().trimEnd().split('\n');
  return rows.map((row) => `${row.split(',')[0]}:${/,(succeeded|failed),/.exec(row)?.[1]}`);
}

function outcomesOf(world: World, job: Job, { rows }: Upload): string[] {
  const output = world.results.objects().get(resultKeys(job).output)?.body ?? '';
  const lines = Buffer.from(output).toString().split('\n').filter(Boolean);
  const succeeded = new Set(lines.map((line): string => JSON.parse(line).custom_id));
  return rows.map(({ customId }) => `${customId}:${succeeded.has(customId) ? 'succeeded' : 'failed'}`);
}
