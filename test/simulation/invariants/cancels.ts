import { DETAIL_TYPE } from '../../../functions/shared/contract/events.ts';
import type { Job } from '../../../functions/shared/domain/job.ts';
import type { Part } from '../../../functions/shared/domain/part.ts';
import { MINUTE } from '../world/invocation.ts';
import { nameOf } from '../world/ledger-watch.ts';
import type { Workload } from '../world/workload.ts';
import type { World } from '../world/world.ts';
import type { Finding } from './finding.ts';

const PATIENCE_MS = 30 * MINUTE; // a failed message is received again after six minutes, and ticks may be far apart

/**
 * A cancel that is recorded before the create prevents the create. After a later cancel, the batch is cancelled once
 * its id is known.
 */
export function cancelsHonoured(world: World, users: Workload): Finding[] {
  return [
    nothingSentAfterCancel(world),
    batchesCancelled(world),
    partsInformed(world),
    versionsCancelled(world, users),
    nothingElseCancelled(world, users),
  ];
}

function nothingSentAfterCancel({ written }: World): Finding {
  const broken = written.sends
    .filter(({ cancelled }) => cancelled)
    .map(({ intentId }) => `intent ${intentId} was sent after the cancel`);
  return { promise: 'no create after a recorded cancel', examined: written.sends.length, broken };
}

/** Batchdrop cancels the batch at the API, unless the batch ends by itself before that is possible. */
function batchesCancelled(world: World): Finding {
  const cancelled = new Set(world.api.audit().cancels.map(({ batchId }) => batchId));
  const requested = world.ledger
    .parts()
    .filter(({ cancelRequestedAt, batch }) => cancelRequestedAt !== undefined && batch);
  const broken = requested.flatMap((part) => {
    const { batch } = part;
    if (!batch || cancelled.has(batch.batchId) || world.faultyApi.tooLate.has(batch.batchId)) return [];
    const known = Math.max(
      world.written.savedAt.get(batch.batchId) ?? 0,
      world.written.cancelRequests.get(nameOf(part)) ?? 0,
    );
    if (endedBy(part, Math.max(known, world.repairedAt) + PATIENCE_MS)) return [];
    return [`batch ${batch.batchId} has a cancel request, and was never cancelled at the API`];
  });
  return { promise: 'a batch is cancelled once its id is known', examined: requested.length, broken };
}

function endedBy({ batch, delivered, ended }: Part, time: number): boolean {
  if (ended || (delivered && !batch)) return true;
  return batch !== undefined && (batch.status === 'failed' || (batch.endedAt ?? Infinity) <= time);
}

/** Once a cancel is acknowledged, each open part that it names has the request. */
function partsInformed({ cancelsChecked, unaware }: World): Finding {
  const broken = unaware.map((part) => `${part}, has no cancel request`);
  return { promise: 'a cancel request is on the open parts that it names', examined: cancelsChecked, broken };
}

/**
 * A cancel by key means the newest version that was uploaded when the message was sent. S3 stores whole seconds, so a
 * version uploaded in the same second counts. That version is cancelled, or the outcome was "too late".
 */
function versionsCancelled(world: World, users: Workload): Finding {
  const broken: string[] = [];
  let examined = 0;
  const jobs = new Map(world.ledger.jobs().map((job) => [job.jobId, job]));
  for (const { request, sentAt } of world.cancels) {
    if (!('key' in request)) continue;
    const meant = users.uploads.findLast(
      ({ key, lastModified }) => key === request.key && lastModified <= sentAt,
    );
    const known = meant && jobs.get(meant.jobId);
    if (!known) continue; // `oneEnd` reports it
    examined += 1;
    const job = (known.joinedJobId !== undefined && jobs.get(known.joinedJobId)) || known;
    if (job.cancelRequestedAt !== undefined || wasTooLate(world, job, request.key, sentAt)) continue;
    const when = new Date(sentAt).toISOString();
    broken.push(
      `job ${job.jobId} is ${job.status}: it was cancelled by key at ${when}, and has no cancel request`,
    );
  }
  return { promise: 'a cancel by key reaches the version that it means', examined, broken };
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
 * A cancelled job was named by a cancel, or may be meant by a cancel of its key, or was replaced by a newer version
 * with other metadata. CANCEL does not read S3: it knows only versions in the chain of the key.
 */
function nothingElseCancelled(world: World, users: Workload): Finding {
  const broken: string[] = [];
  const jobs = world.ledger.jobs();
  const cancelled = jobs.filter(({ cancelRequestedAt }) => cancelRequestedAt !== undefined);
  for (const job of cancelled) {
    const names = new Set(
      [job, ...jobs.filter(({ joinedJobId }) => joinedJobId === job.jobId)].map((j) => j.jobId),
    );
    const isReplaced = job.supersededBy !== undefined && runsInstead(jobs, job);
    const isNamed = world.cancels.some(({ request, sentAt }) => {
      if ('jobId' in request) return names.has(request.jobId);
      return 'key' in request && mayMean(world, users, names, { key: request.key, sentAt });
    });
    if (!isNamed && !isReplaced) broken.push(`job ${job.jobId} was cancelled, and no cancel means it`);
  }
  return { promise: 'a cancel reaches nothing else', examined: cancelled.length, broken };
}

/** Returns whether a job runs the bytes. Follows the jobs that replaced the previous one, or that it joined. */
function runsInstead(jobs: readonly Job[], replaced: Job): boolean {
  const passed = new Set<string>();
  let job: Job | undefined = replaced;
  while (job && !passed.has(job.jobId)) {
    passed.add(job.jobId);
    const next: string | undefined = job.supersededBy ?? job.joinedJobId;
    if (next === undefined) return true;
    job = jobs.find(({ jobId }) => jobId === next);
  }
  return false;
}

function mayMean(
  world: World,
  users: Workload,
  names: ReadonlySet<string>,
  cancel: { key: string; sentAt: number },
): boolean {
  const known = (jobId: string) => (world.written.placedAt.get(jobId) ?? Infinity) <= cancel.sentAt;
  const there = users.uploads.filter(
    ({ key, lastModified }) => key === cancel.key && lastModified <= cancel.sentAt,
  );
  // Returns the newest version that was known, or any newer one that was not known yet.
  const newestKnown = there.findLastIndex(({ jobId }) => known(jobId));
  return there.some(({ jobId }, index) => index >= newestKnown && names.has(jobId));
}
