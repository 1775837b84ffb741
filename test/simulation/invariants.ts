import { hasEnded } from '../../functions/shared/contract/batch-status.ts';
import { type BatchdropEvent, DETAIL_TYPE } from '../../functions/shared/contract/events.ts';
import type { World } from './world.ts';

const ORDER = ['validating', 'in_progress', 'finalizing', 'cancelling'];

/** What is broken of the promises, once everything has come to rest; empty when they hold. */
export function brokenPromises(world: World): string[] {
  return [...paidTwice(world), ...lost(world), ...backwards(world), ...leftOver(world)];
}

/** Promise 1: an intent keeps at most one batch, and no succeeded row is billed twice in its job. */
function paidTwice(world: World): string[] {
  const broken: string[] = [];
  const { creates, cancels, billed } = world.api.audit();
  const kept = new Map<string, number>();
  for (const { batchId, metadata } of creates) {
    if (cancels.some((cancel) => cancel.batchId === batchId)) continue;
    const intent = metadata.batchdrop_intent ?? 'none';
    kept.set(intent, (kept.get(intent) ?? 0) + 1);
  }
  for (const [intent, count] of kept) if (count > 1) broken.push(`intent ${intent} keeps ${count} batches`);
  const jobOf = new Map(creates.map(({ batchId, metadata }) => [batchId, metadata.batchdrop_job]));
  const rows = new Set<string>();
  for (const { batchId, customId } of billed) {
    const row = `${jobOf.get(batchId)} ${customId}`;
    if (rows.has(row)) broken.push(`row ${row} was billed twice`);
    rows.add(row);
  }
  return broken;
}

/** Promise 2: every job at one end, with its event; rows in are rows accounted for; every observed status published. */
function lost(world: World): string[] {
  const broken: string[] = [];
  const events = world.bus.published();
  for (const job of world.ledger.jobs()) {
    const name = `job ${job.jobId}`;
    if (['received', 'accepted', 'submitted'].includes(job.status))
      broken.push(`${name} is still ${job.status}`);
    if (job.rev !== job.publishedRev) broken.push(`${name}: ${job.status} was not published`);
    if (!events.some((event) => isJobEvent(event, job.jobId, job.status)))
      broken.push(`${name}: no event ${job.status}`);
    if (!job.plan || !job.rows) continue;
    const { total, ...outcomes } = job.rows;
    const sum = Object.values(outcomes).reduce((a, b) => a + b, 0);
    if (total !== job.plan.rows || sum !== total)
      broken.push(`${name}: ${job.plan.rows} rows in, ${sum} accounted for`);
    broken.push(...linesOut(world, job.jobId, job.plan.rows));
  }
  for (const part of world.ledger.parts()) {
    if (part.active && part.rev !== part.publishedRev)
      broken.push(`part ${part.jobId}/${part.number}: unpublished`);
  }
  return broken;
}

function isJobEvent(event: BatchdropEvent, jobId: string, status: string): boolean {
  return (
    event.detailType === DETAIL_TYPE.jobStatusChange &&
    event.detail.metadata.jobId === jobId &&
    event.detail.data.status === status
  );
}

function linesOut(world: World, jobId: string, rows: number): string[] {
  const ids: string[] = [];
  for (const [key, { body }] of world.results.objects()) {
    if (!key.includes(jobId) || !/\/(output|errors)\.jsonl$/.test(key)) continue;
    for (const line of Buffer.from(body).toString().split('\n'))
      if (line) ids.push(JSON.parse(line).custom_id);
  }
  if (ids.length === rows && new Set(ids).size === rows) return [];
  return [`job ${jobId}: ${rows} rows in, ${ids.length} lines out, ${new Set(ids).size} of them different`];
}

/** Promise 3: sequences without a gap, the same event under the same id, statuses only forward. */
function backwards(world: World): string[] {
  const broken: string[] = [];
  const seen = new Map<string, { last: number; status: string; byId: Map<string, string> }>();
  for (const event of world.bus.published()) {
    if (event.detailType === DETAIL_TYPE.cancelOutcome) continue;
    const { metadata, data } = event.detail;
    const of = 'batchId' in data ? data.batchId : metadata.jobId;
    const known = seen.get(of) ?? { last: 0, status: '', byId: new Map<string, string>() };
    seen.set(of, known);
    const text = JSON.stringify(event);
    const before = known.byId.get(metadata.id);
    if (before !== undefined && before !== text)
      broken.push(`${metadata.id} was published with two contents`);
    known.byId.set(metadata.id, text);
    if (metadata.sequence <= known.last) continue;
    if (metadata.sequence !== known.last + 1)
      broken.push(`${of}: sequence ${metadata.sequence} after ${known.last}`);
    if (
      hasEnded(known.status) ||
      (ORDER.includes(data.status) && ORDER.indexOf(data.status) < ORDER.indexOf(known.status))
    ) {
      if ('batchId' in data && !hasEnded(data.status))
        broken.push(`${of}: ${data.status} after ${known.status}`);
    }
    known.last = metadata.sequence;
    if (hasEnded(data.status) || ORDER.includes(data.status)) known.status = data.status; // others have no place in the order
  }
  return broken;
}

/** Nothing is due, leased, or left at the API that a finished job should have deleted. */
function leftOver(world: World): string[] {
  const broken: string[] = [];
  for (const item of [...world.ledger.jobs(), ...world.ledger.parts()]) {
    if (item.dueAt !== undefined) broken.push(`${item.kind} ${item.jobId} is still due`);
  }
  const left = new Set(world.api.files());
  for (const { intent, batch, jobId } of world.ledger.parts()) {
    for (const fileId of [intent?.fileId, batch?.outputFileId, batch?.errorFileId]) {
      if (fileId !== undefined && left.has(fileId))
        broken.push(`job ${jobId}: file ${fileId} is still at the API`);
    }
  }
  return broken;
}
