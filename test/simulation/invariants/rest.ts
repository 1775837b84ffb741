import { INTERNAL_FOLDER } from '../../../functions/shared/contract/result-keys.ts';
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

/** Nothing that should have been deleted is left at the API or in the results bucket. */
export function nothingLeft(world: World): Finding {
  const left = new Set(world.api.files());
  const fileIds = new Set(world.written.fileIds);
  const batches = world.ledger.parts().flatMap(batchesOf);
  for (const { inputFileId, outputFileId, errorFileId } of batches)
    for (const fileId of [inputFileId, outputFileId, errorFileId])
      if (fileId !== undefined) fileIds.add(fileId);
  const broken = [...fileIds]
    .filter((fileId) => left.has(fileId))
    .map((id) => `file ${id} is still at the API`);
  for (const key of world.results.objects().keys())
    if (key.startsWith(INTERNAL_FOLDER)) broken.push(`object ${key} is still in the results bucket`);
  return { promise: 'everything temporary is deleted', examined: fileIds.size, broken };
}
