import { INTERNAL_FOLDER, resultKeys } from '../../../functions/shared/contract/result-keys.ts';
import { batchesOf } from '../../../functions/shared/domain/part-end.ts';
import type { World } from '../world/world.ts';
import type { Finding } from './finding.ts';

/** Nothing is due and nothing leased. */
export function atRest(world: World): Finding {
  const broken: string[] = [];
  const items = [...world.ledger.jobs(), ...world.ledger.parts()];
  for (const { kind, jobId, dueAt, lease } of items) {
    if (dueAt !== undefined) broken.push(`${kind} ${jobId} is still due`);
    if (lease && lease.until > world.timeline.now()) broken.push(`${kind} ${jobId} is still leased`);
  }
  return { promise: 'nothing due, nothing leased', examined: items.length, broken };
}

/** Rule 4: a result file is deleted only when each of its results was read, and a doubtful one never. */
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
    world.ledger.parts().flatMap(({ doubtfulFiles = [] }) => doubtfulFiles.map(({ fileId }) => fileId)),
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

/** Nothing that should have been deleted is left at the API or in the results bucket. */
export function nothingLeft(world: World): Finding {
  const left = new Set(world.api.files());
  const fileIds = new Set(world.written.fileIds);
  const batches = world.ledger.parts().flatMap(batchesOf);
  for (const { inputFileId, outputFileId, errorFileId } of batches)
    for (const fileId of [inputFileId, outputFileId, errorFileId])
      if (fileId !== undefined) fileIds.add(fileId);
  const doubtful = new Set(
    world.ledger.parts().flatMap(({ doubtfulFiles = [] }) => doubtfulFiles.map(({ fileId }) => fileId)),
  );
  const broken = [...fileIds]
    .filter((fileId) => left.has(fileId) && !doubtful.has(fileId))
    .map((id) => `file ${id} is still at the API`);
  for (const key of world.results.objects().keys())
    if (key.startsWith(INTERNAL_FOLDER)) broken.push(`object ${key} is still in the results bucket`);
  return { promise: 'everything temporary is deleted', examined: fileIds.size, broken };
}

/** Nothing of a job that has not ended ever had a time at which the ledger removes it. */
export function nothingUnfinishedExpires({ written }: World): Finding {
  const broken = [...new Set(written.expiring)].map(
    (name) => `${name} was to expire before its job had ended`,
  );
  return { promise: 'nothing unfinished expires', examined: written.expiriesExamined, broken };
}
