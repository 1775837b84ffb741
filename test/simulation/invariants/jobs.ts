import { DETAIL_TYPE } from '../../../functions/shared/contract/events.ts';
import { resultKeys } from '../../../functions/shared/contract/result-keys.ts';
import type { Job } from '../../../functions/shared/domain/job.ts';
import type { Part } from '../../../functions/shared/domain/part.ts';
import { batchesOf } from '../../../functions/shared/domain/part-end.ts';
import type { Workload } from '../world/workload.ts';
import { RERUN, type World } from '../world/world.ts';
import type { Finding } from './finding.ts';

const ENDS: ReadonlySet<string> = new Set([
  'completed',
  'failed',
  'expired',
  'cancelled',
  'rejected',
  'joined',
]);

/** Promise 2: every job has exactly one last status, with its event, and every file has a job. */
export function oneEnd(world: World, users: Workload): Finding {
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
    const published = [...(ends.get(jobId) ?? [])];
    if (!ENDS.has(status)) broken.push(`job ${jobId} is still ${status}`);
    else if (published.join() !== status)
      broken.push(`job ${jobId} is ${status}, its events say ${published.join() || 'nothing'}`);
  }
  // A file that was deleted before its intake has no job.
  const known = new Set(jobs.map(({ jobId }) => jobId));
  for (const { jobId, key } of users.uploads)
    if (!known.has(jobId) && !users.deleted.has(jobId)) broken.push(`file ${key} never became job ${jobId}`);
  return { promise: 'every job has one last status, with its event', examined: jobs.length, broken };
}

/** The token limit is temporary, so a job never fails because of it. */
export function nothingGivenUp(world: World): Finding {
  const jobs = world.ledger.jobs();
  const broken = jobs
    .filter(({ status, reason }) => status === 'failed' && reason?.code === 'token_limit_exceeded')
    .map(({ jobId }) => `job ${jobId} was given up for the token limit, which is temporary`);
  return { promise: 'no job fails for a temporary reason', examined: jobs.length, broken };
}

/** Promise 5: every row is accounted for, by the results bucket and by what the API ran. */
export function accountedFor(world: World): Finding {
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
    broken.push(...linesOut(job, objects));
    broken.push(...succeededOut(world, job, objects, billed));
  }
  return { promise: 'every row is accounted for', examined, broken };
}

/** A part counts as delivered only when everything that it stored can be read. */
export function piecesStored({ piecesChecked, unwritten }: World): Finding {
  const broken = unwritten.map((key) => `${key} counted before it could be read`);
  return { promise: 'what is delivered can be read', examined: piecesChecked, broken };
}

type Objects = ReturnType<World['results']['objects']>;

function idsIn(objects: Objects, key: string): string[] {
  const body = objects.get(key)?.body;
  if (!body) return [];
  const lines = Buffer.from(body).toString().split('\n').filter(Boolean);
  return lines.map((line) => String(JSON.parse(line).custom_id));
}

function linesOut({ jobId, plan, rows, request }: Job, objects: Objects): string[] {
  if (!plan || !rows) return [];
  const keys = resultKeys({ jobId, request });
  const broken: string[] = [];
  for (const key of Object.values(keys)) if (!objects.has(key)) broken.push(`job ${jobId}: no object ${key}`);
  const succeeded = idsIn(objects, keys.output);
  const all = [...succeeded, ...idsIn(objects, keys.errors)];
  if (succeeded.length !== rows.succeeded)
    broken.push(`job ${jobId}: ${rows.succeeded} rows succeeded, ${succeeded.length} lines in output.jsonl`);
  if (new Set(all).size !== all.length) broken.push(`job ${jobId}: a row has two lines`);
  if (all.length !== plan.rows) broken.push(`job ${jobId}: ${plan.rows} rows in, ${all.length} lines out`);
  return broken;
}

/** Results are in the order of the request file, and no part runs more often than it may. */
export function inOrder(world: World, users: Workload): Finding {
  const broken: string[] = [];
  let examined = 0;
  const objects = world.results.objects();
  for (const job of world.ledger.jobs()) {
    const upload = users.uploads.find(({ jobId }) => jobId === job.jobId);
    if (!job.plan || !job.rows || !upload) continue;
    const places = new Map(upload.rows.map(({ customId }, place) => [customId, place]));
    const { output, errors } = resultKeys(job);
    for (const key of [output, errors]) {
      const found = idsIn(objects, key).map((customId) => places.get(customId) ?? -1);
      examined += found.length;
      if (found.some((place, at) => place <= (found[at - 1] ?? -1)))
        broken.push(`job ${job.jobId}: ${key} is not in the order of the file: ${found.join(' ')}`);
    }
  }
  for (const part of world.ledger.wholeParts())
    if (ranTooOften(part)) broken.push(`part ${part.jobId}/${part.number} ran ${part.ran.length + 1} times`);
  return { promise: 'results in the order of the file', examined, broken };
}

/**
 * Returns whether the part's rows ran more often than allowed. A part that runs in slices has more batches with fewer
 * rows.
 */
function ranTooOften({ ran, batch, rows }: Part): boolean {
  const isInSlices = ran.some(({ admission }) => admission?.atMost !== undefined);
  if (!isInSlices) return ran.length >= RERUN.maxAttempts;
  const inBatch = batch ? 1 : 0; // at least one row
  return ran.reduce((sum, each) => sum + each.rows, inBatch) > rows * RERUN.maxAttempts;
}

/**
 * A row that ran and was billed is in the results, unless the API lost its file or the whole batch, or returned it only
 * after a day and still has it.
 */
function succeededOut(world: World, job: Job, objects: Objects, billed: Map<string, Set<string>>): string[] {
  const stored = new Set(idsIn(objects, resultKeys(job).output));
  const { lost, forgotten, lateForDays } = world.faultyApi;
  const left = new Set(world.api.files());
  const broken: string[] = [];
  for (const part of world.ledger.wholeParts()) {
    if (part.jobId !== job.jobId || part.planId !== job.plan?.planId) continue;
    const doubtful = new Set(part.doubtfulFiles?.map(({ fileId }) => fileId));
    for (const { batchId, outputFileId } of batchesOf(part)) {
      if (lost.has(outputFileId ?? '') || forgotten.has(batchId)) continue;
      const isDoubtful =
        lateForDays.has(batchId) && (outputFileId === undefined || doubtful.has(outputFileId));
      if (isDoubtful && left.has(world.api.outputFileOf(batchId) ?? '')) continue;
      for (const row of billed.get(batchId) ?? [])
        if (!stored.has(row)) broken.push(`job ${job.jobId}: row ${row} ran and is not in output.jsonl`);
    }
  }
  return broken;
}
