import { ENDED_TAG } from '../../../functions/shared/contract/ended-tag.ts';
import { COSTS_FOLDER, INTERNAL_FOLDER, resultKeys } from '../../../functions/shared/contract/result-keys.ts';
import { isOver } from '../../../functions/shared/domain/job.ts';
import { batchesOf } from '../../../functions/shared/domain/part-end.ts';
import type { Workload } from '../world/workload.ts';
import type { World } from '../world/world.ts';
import type { Finding } from './finding.ts';

/** Nothing is due and nothing leased. */
export function atRest(world: World): Finding {
  const broken: string[] = [];
  const items = [...world.ledger.jobs(), ...world.ledger.wholeParts()];
  for (const { kind, jobId, dueAt, lease } of items) {
    if (dueAt !== undefined) broken.push(`${kind} ${jobId} is still due`);
    if (lease && lease.until > world.timeline.now()) broken.push(`${kind} ${jobId} is still leased`);
  }
  return { promise: 'nothing due, nothing leased', examined: items.length, broken };
}

/** Rule 7: nothing of an unfinished job was ever set to expire, and everything of an ended one is. */
export function expiresWithItsJob(world: World): Finding {
  const broken = world.written.expiring.map((name) => `${name} was to expire before its job ended`);
  const jobs = new Map(world.ledger.jobs().map((job) => [job.jobId, job]));
  const items = [...world.ledger.jobs(), ...world.ledger.wholeParts()];
  for (const { kind, jobId, expiresAt } of items)
    if (expiresAt !== jobs.get(jobId)?.expiresAt || expiresAt === undefined)
      broken.push(`${kind} of ${jobId} does not expire with its job`);
  return { promise: 'nothing unfinished expires', examined: items.length, broken };
}

/** Rule 7: a request file has the tag for lifecycle rules from its job's end on, and not before. */
export function taggedAtItsEnd({ tags, requestFiles, ledger }: World, users: Workload): Finding {
  const broken = tags.early.map((what) => `${what} has the tag of an ended job`);
  for (const job of ledger.jobs()) {
    const isTagged = requestFiles.tagsOf(job.request)[ENDED_TAG.key] === ENDED_TAG.value;
    if (isOver(job) && !isTagged && !users.deleted.has(job.jobId))
      broken.push(`job ${job.jobId} has ended, and its file has no tag that says so`);
  }
  return { promise: 'files are tagged when their job has ended', examined: tags.tagged, broken };
}

/** Rule 4: a result file is deleted only if each of its results was read, and a doubtful one never. */
export function nothingDeletedUnread(world: World): Finding {
  const objects = world.results.objects();
  const { creates, deletes } = world.api.audit();
  const jobOf = new Map(creates.map(({ batchId, metadata }) => [batchId, metadata.batchdrop_job]));
  const missing = new Set<string>();
  for (const job of world.ledger.jobs()) {
    const errors = job.plan ? objects.get(resultKeys(job).errors)?.body : undefined;
    for (const line of Buffer.from(errors ?? '')
      .toString()
      .split('\n'))
      if (line.includes('"batchdrop_missing"')) missing.add(`${job.jobId} ${JSON.parse(line).custom_id}`);
  }
  const deleted = deletes.filter(({ fileId }) => !world.faultyApi.lost.has(fileId));
  const doubtful = new Set(
    world.ledger.wholeParts().flatMap(({ doubtfulFiles = [] }) => doubtfulFiles.map(({ fileId }) => fileId)),
  );
  const broken: string[] = [];
  for (const { fileId, results } of deleted) {
    if (doubtful.has(fileId)) broken.push(`file ${fileId} is doubtful, and was deleted`);
    for (const row of results?.succeeded ?? [])
      if (missing.has(`${jobOf.get(results?.batchId ?? '')} ${row}`))
        broken.push(`file ${fileId} was deleted before its line of row ${row} was read`);
  }
  return { promise: 'no deletion before agreement', examined: deleted.length, broken };
}

/** Nothing that should have been deleted remains at the API or in the results bucket. */
export function nothingLeft(world: World): Finding {
  const left = new Set(world.api.files());
  const fileIds = new Set(world.written.fileIds);
  const batches = world.ledger.wholeParts().flatMap(batchesOf);
  for (const { inputFileId, outputFileId, errorFileId } of batches)
    for (const fileId of [inputFileId, outputFileId, errorFileId])
      if (fileId !== undefined) fileIds.add(fileId);
  const doubtful = new Set(
    world.ledger.wholeParts().flatMap(({ doubtfulFiles = [] }) => doubtfulFiles.map(({ fileId }) => fileId)),
  );
  const broken = [...fileIds]
    .filter((fileId) => left.has(fileId) && !doubtful.has(fileId))
    .map((id) => `file ${id} is still at the API`);
  for (const key of world.results.objects().keys())
    if (key.startsWith(INTERNAL_FOLDER) && !key.startsWith(COSTS_FOLDER))
      broken.push(`object ${key} is still in the results bucket`);
  return { promise: 'everything temporary is deleted', examined: fileIds.size, broken };
}
