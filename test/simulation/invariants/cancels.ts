import { DETAIL_TYPE } from '../../../functions/shared/contract/events.ts';
import type { Job } from '../../../functions/shared/domain/job.ts';
import type { Part } from '../../../functions/shared/domain/part.ts';
import { MINUTE } from '../world/invocation.ts';
import { nameOf } from '../world/ledger-watch.ts';
import type { Workload } from '../world/workload.ts';
import type { World } from '../world/world.ts';
import type { Finding } from './finding.ts';

const PATIENCE_MS = 30 * MINUTE; // a message that failed comes back after six minutes, and ticks may be far apart

/** Cancels: recorded before the intent, nothing is created; later, the batch is cancelled once its id is known. */
export function cancelsHonoured(world: World, users: Workload): Finding[] {
  return [
    nothingSentAfterWish(world),
    batchesCancelled(world),
    partsWished(world),
    keysCancelled(world, users),
    onlyTheMeant(world, users),
  ];
}

function nothingSentAfterWish({ written }: World): Finding {
  const broken = written.sends
    .filter(({ wished }) => wished)
    .map(({ intentId }) => `intent ${intentId} was sent after the cancel`);
  return { promise: 'no create after a recorded cancel', examined: written.sends.length, broken };
}

/** Told to the API, unless the batch ended by itself before it could be. */
function batchesCancelled(world: World): Finding {
  const told = new Set(world.api.audit().cancels.map(({ batchId }) => batchId));
  const wished = world.ledger
    .parts()
    .filter(({ cancelRequestedAt, batch }) => cancelRequestedAt !== undefined && batch);
  const broken = wished.flatMap((part) => {
    const { batch } = part;
    if (!batch || told.has(batch.batchId) || world.faultyApi.tooLate.has(batch.batchId)) return [];
    const known = Math.max(
      world.written.savedAt.get(batch.batchId) ?? 0,
      world.written.wishes.get(nameOf(part)) ?? 0,
    );
    if (endedBy(part, Math.max(known, world.repairedAt) + PATIENCE_MS)) return [];
    return [`batch ${batch.batchId} was to be cancelled, and the API was never told`];
  });
  return { promise: 'a batch is cancelled once its id is known', examined: wished.length, broken };
}

function endedBy({ batch, delivered, ended }: Part, time: number): boolean {
  if (ended || (delivered && !batch)) return true;
  return batch !== undefined && (batch.status === 'failed' || (batch.endedAt ?? Infinity) <= time);
}

/** Once a cancel is acknowledged, each open part that it names knows. */
function partsWished({ wishesChecked, unwished }: World): Finding {
  const broken = unwished.map((part) => `${part}, does not know of it`);
  return { promise: 'the wish of a cancel is on the open parts it names', examined: wishesChecked, broken };
}

/**
 * By key it means the newest version whose file was there when the message was sent; S3 keeps whole seconds, so one put
 * within the same second counts as put before. That version is cancelled, or the answer said that it was over.
 */
function keysCancelled(world: World, users: Workload): Finding {
  const broken: string[] = [];
  let examined = 0;
  const jobs = new Map(world.ledger.jobs().map((job) => [job.jobId, job]));
  for (const { request, sentAt } of world.cancels) {
    if (!('key' in request)) continue;
    const meant = users.puts.findLast(
      ({ key, lastModified }) => key === request.key && lastModified <= sentAt,
    );
    const known = meant && jobs.get(meant.jobId);
    if (!known) continue; // `oneEnd` asks why
    examined += 1;
    const job = (known.joinedJobId !== undefined && jobs.get(known.joinedJobId)) || known;
    if (job.cancelRequestedAt !== undefined || wasTooLate(world, job, request.key, sentAt)) continue;
    const when = new Date(sentAt).toISOString();
    broken.push(`job ${job.jobId} is ${job.status}: it was cancelled by key at ${when}, and does not know`);
  }
  return { promise: 'a cancel by key reaches the version it means', examined, broken };
}

function wasTooLate(world: World, { jobId }: Job, key: string, sentAt: number): boolean {
  return world.bus.published().some(({ detailType, detail }) => {
    if (detailType !== DETAIL_TYPE.cancelOutcome || detail.metadata.jobId !== jobId) return false;
    const { request, outcome } = detail.data;
    const isAnswer = 'key' in request && request.key === key && outcome === 'too_late';
    return isAnswer && Date.parse(detail.metadata.occurredAt) === sentAt;
  });
}

/**
 * A job that was cancelled was named, or a cancel of its key may mean it. CANCEL does not look into the storage: of the
 * versions that were there it knows those that had taken their place in the chain of the key.
 */
function onlyTheMeant(world: World, users: Workload): Finding {
  const broken: string[] = [];
  const jobs = world.ledger.jobs();
  const cancelled = jobs.filter(({ cancelRequestedAt }) => cancelRequestedAt !== undefined);
  for (const job of cancelled) {
    const names = new Set(
      [job, ...jobs.filter(({ joinedJobId }) => joinedJobId === job.jobId)].map((j) => j.jobId),
    );
    const isNamed = world.cancels.some(({ request, sentAt }) => {
      if ('jobId' in request) return names.has(request.jobId);
      return 'key' in request && mayMean(world, users, names, { key: request.key, sentAt });
    });
    if (!isNamed) broken.push(`job ${job.jobId} was cancelled, and no cancel means it`);
  }
  return { promise: 'a cancel reaches nothing else', examined: cancelled.length, broken };
}

function mayMean(
  world: World,
  users: Workload,
  names: ReadonlySet<string>,
  cancel: { key: string; sentAt: number },
): boolean {
  const known = (jobId: string) => (world.written.placedAt.get(jobId) ?? Infinity) <= cancel.sentAt;
  const there = users.puts.filter(
    ({ key, lastModified }) => key === cancel.key && lastModified <= cancel.sentAt,
  );
  // Of those that were there the newest; of those that nobody had looked at, any.
  const newestKnown = there.findLastIndex(({ jobId }) => known(jobId));
  return there.some(({ jobId }, index) => index >= newestKnown && names.has(jobId));
}
