import { DETAIL_TYPE } from '../../functions/shared/contract/events.ts';
import type { Job } from '../../functions/shared/core/job.ts';
import { resultKeys } from '../../functions/shared/core/result-keys.ts';
import type { Finding } from './invariants.ts';
import type { Users } from './users.ts';
import type { World } from './world.ts';

const ENDS: ReadonlySet<string> = new Set([
  'completed',
  'failed',
  'expired',
  'cancelled',
  'rejected',
  'joined',
]);

/** Promise 2: every job is at exactly one end, with its event, and every file has a job. */
export function oneEnd(world: World, users: Users): Finding {
  const broken: string[] = [];
  const ends = new Map<string, Set<string>>();
  for (const { detailType, detail } of world.bus.published()) {
    if (detailType !== DETAIL_TYPE.jobStatusChange || !ENDS.has(detail.data.status)) continue;
    const { jobId } = detail.metadata;
    const known = ends.get(`${jobId}`) ?? new Set();
    ends.set(`${jobId}`, known.add(detail.data.status));
  }
  const jobs = world.ledger.jobs();
  for (const { jobId, status } of jobs) {
    const told = [...(ends.get(jobId) ?? [])];
    if (!ENDS.has(status)) broken.push(`job ${jobId} is still ${status}`);
    else if (told.join() !== status)
      broken.push(`job ${jobId} is ${status}, its events say ${told.join() || 'nothing'}`);
  }
  // A file that was deleted before anybody looked at it left nothing to make a job of.
  const known = new Set(jobs.map(({ jobId }) => jobId));
  for (const { jobId, key } of users.puts)
    if (!known.has(jobId) && !users.deleted.has(jobId)) broken.push(`file ${key} never became job ${jobId}`);
  return { promise: 'every job at one end, with its event', examined: jobs.length, broken };
}

/** The token limit passes: a job never fails for it. */
export function nothingGivenUp(world: World): Finding {
  const jobs = world.ledger.jobs();
  const broken = jobs
    .filter(({ status, reason }) => status === 'failed' && reason?.code === 'token_limit_exceeded')
    .map(({ jobId }) => `job ${jobId} was given up for the token limit, which passes`);
  return { promise: 'nothing is given up for what passes', examined: jobs.length, broken };
}

/** Promise 5: rows in are rows accounted for, by what lies in the results bucket and by what the API did. */
export function accountedFor(world: World, users: Users): Finding {
  const broken: string[] = [];
  let examined = 0;
  const objects = world.results.objects();
  const billed = new Map<string, Set<string>>();
  for (const { batchId, customId } of world.api.audit().billed) {
    const rows = billed.get(batchId) ?? new Set();
    billed.set(batchId, rows.add(customId));
  }
  for (const job of world.ledger.jobs()) {
    if (!job.plan || !job.rows) continue;
    examined += job.plan.rows;
    const { total, ...outcomes } = job.rows;
    const sum = Object.values(outcomes).reduce((a, b) => a + b, 0);
    if (total !== job.plan.rows || sum !== total)
      broken.push(`job ${job.jobId}: ${job.plan.rows} rows in, ${sum} accounted for`);
    broken.push(...linesOut(job, objects, users.deleted.has(job.jobId)));
    broken.push(...succeededOut(world, job, objects, billed));
  }
  return { promise: 'rows in are rows accounted for', examined, broken };
}

/** A part counts as delivered only when all it stored can be read. */
export function piecesStored({ piecesChecked, unwritten }: World): Finding {
  const broken = unwritten.map((key) => `the piece ${key} counted before it could be read`);
  return { promise: 'what is delivered can be read', examined: piecesChecked, broken };
}

type Objects = ReturnType<World['results']['objects']>;

function idsIn(objects: Objects, key: string): string[] {
  const body = objects.get(key)?.body;
  if (!body) return [];
  const lines = Buffer.from(body).toString().split('\n').filter(Boolean);
  return lines.map((line) => String(JSON.parse(line).custom_id));
}

function linesOut({ jobId, plan, rows, request }: Job, objects: Objects, deleted: boolean): string[] {
  if (!plan || !rows) return [];
  const keys = resultKeys({ jobId, request });
  const broken: string[] = [];
  for (const key of Object.values(keys)) if (!objects.has(key)) broken.push(`job ${jobId}: no object ${key}`);
  const succeeded = idsIn(objects, keys.output);
  const all = [...succeeded, ...idsIn(objects, keys.errors)];
  if (succeeded.length !== rows.succeeded)
    broken.push(`job ${jobId}: ${rows.succeeded} rows succeeded, ${succeeded.length} lines in output.jsonl`);
  if (new Set(all).size !== all.length) broken.push(`job ${jobId}: a row has two lines`);
  // Rows of a file that is gone have no names, so no lines can be written for them.
  if (all.length > plan.rows || (all.length < plan.rows && !deleted))
    broken.push(`job ${jobId}: ${plan.rows} rows in, ${all.length} lines out`);
  return broken;
}

/** What ran and was billed is in the results, unless the API lost its file, or the whole batch. */
function succeededOut(world: World, job: Job, objects: Objects, billed: Map<string, Set<string>>): string[] {
  const stored = new Set(idsIn(objects, resultKeys(job).output));
  const broken: string[] = [];
  for (const { jobId, planId, batch } of world.ledger.parts()) {
    if (jobId !== job.jobId || planId !== job.plan?.planId || !batch) continue;
    const { lost, forgotten } = world.faultyApi;
    if (lost.has(batch.outputFileId ?? '') || forgotten.has(batch.batchId)) continue;
    for (const row of billed.get(batch.batchId) ?? [])
      if (!stored.has(row)) broken.push(`job ${jobId}: row ${row} ran and is not in output.jsonl`);
  }
  return broken;
}
