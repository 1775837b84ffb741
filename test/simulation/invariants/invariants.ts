import type { Workload } from '../world/workload.ts';
import type { World } from '../world/world.ts';
import { cancelsHonoured } from './cancels.ts';
import { oldestFirst, withinLimits } from './capacity.ts';
import { forward, published } from './events.ts';
import type { Finding } from './finding.ts';
import { accountedFor, inOrder, nothingGivenUp, oneEnd, piecesStored } from './jobs.ts';
import { planned } from './plans.ts';
import { atRest, nothingDeletedUnread, nothingLeft } from './rest.ts';

/** Examines every promise once nothing is due any more. */
export function findings(world: World, users: Workload): Finding[] {
  return [
    oneBatchPerIntent(world),
    noRowTwice(world),
    idsSaved(world),
    oneEnd(world, users),
    nothingGivenUp(world),
    planned(world, users),
    published(world),
    forward(world),
    accountedFor(world),
    inOrder(world, users),
    piecesStored(world),
    atRest(world),
    nothingLeft(world),
    nothingDeletedUnread(world),
    withinLimits(world),
    oldestFirst(world),
    ...cancelsHonoured(world, users),
  ];
}

/** Promise 1: an intent keeps at most one batch. */
function oneBatchPerIntent(world: World): Finding {
  const { creates, cancels } = world.api.audit();
  const secondBatchIds = new Set(world.ledger.parts().flatMap((part) => part.secondBatchIds));
  const cancelled = new Set(cancels.map(({ batchId }) => batchId));
  const kept = new Map<string, number>();
  for (const { batchId, metadata } of creates) {
    if (secondBatchIds.has(batchId) && cancelled.has(batchId)) continue;
    const intent = metadata.batchdrop_intent ?? 'none';
    kept.set(intent, (kept.get(intent) ?? 0) + 1);
  }
  const broken = [...kept].filter(([, count]) => count > 1);
  return {
    promise: 'at most one kept batch per intent',
    examined: creates.length,
    broken: broken.map(([intent, count]) => `intent ${intent} keeps ${count} batches`),
  };
}

/** Promise 1: no row that succeeded is billed twice in its job. */
function noRowTwice(world: World): Finding {
  const { creates, billed } = world.api.audit();
  const jobOf = new Map(creates.map(({ batchId, metadata }) => [batchId, metadata.batchdrop_job]));
  const rows = new Set<string>();
  const broken: string[] = [];
  for (const { batchId, customId } of billed) {
    const row = `${jobOf.get(batchId)} ${customId}`;
    if (rows.has(row)) broken.push(`row ${row} was billed twice`);
    rows.add(row);
  }
  return { promise: 'no succeeded row billed twice', examined: billed.length, broken };
}

/** A batch id that was returned to a function is in the ledger when the function ends. */
function idsSaved({ savedIds, unsavedIds }: World): Finding {
  const broken = unsavedIds.map((what) => `batch ${what}, was not saved`);
  return { promise: 'a returned batch id is saved', examined: savedIds + unsavedIds.length, broken };
}
