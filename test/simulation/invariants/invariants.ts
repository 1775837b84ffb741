import { nameOf } from '../world/ledger-watch.ts';
import type { Workload } from '../world/workload.ts';
import type { World } from '../world/world.ts';
import { holdsKept } from './approvals.ts';
import { neverPastTheWall, settledOnce, spentWithinBudget, stoppedByItsBudget } from './budgets.ts';
import { cancelsHonoured } from './cancels.ts';
import { oldestFirst, withinLimits } from './capacity.ts';
import { costsOnce } from './costs.ts';
import { forward, published, storedEventsStay, trueEnds } from './events.ts';
import type { Finding } from './finding.ts';
import { accountedFor, inOrder, nothingGivenUp, oneEnd, piecesStored } from './jobs.ts';
import { breakersOpenForTheirReason, nobodyWaitsForAnother, storageStopsUploadsOnly } from './neighbours.ts';
import { planned } from './plans.ts';
import { atRest, expiresWithItsJob, nothingDeletedUnread, nothingLeft, taggedAtItsEnd } from './rest.ts';
import { fairlyShared } from './shares.ts';
import { summariesAgree } from './summaries.ts';
import { tablesAgree } from './tables.ts';
import { webhooksAnsweredRightly } from './webhooks.ts';

/** Examines every promise once nothing is due any more. */
export function findings(world: World, users: Workload): Finding[] {
  return [
    oneBatchPerIntent(world),
    noRowTwice(world),
    spendingBounded(world),
    secondsReported(world),
    refusedHaveNone(world),
    idsSaved(world),
    oneEnd(world, users),
    nothingGivenUp(world),
    costsOnce(world),
    summariesAgree(world),
    planned(world, users),
    published(world),
    forward(world),
    storedEventsStay(world),
    trueEnds(world),
    accountedFor(world),
    inOrder(world, users),
    tablesAgree(world, users),
    piecesStored(world),
    atRest(world),
    expiresWithItsJob(world),
    taggedAtItsEnd(world, users),
    nobodyWaitsForAnother(world),
    storageStopsUploadsOnly(world),
    breakersOpenForTheirReason(world),
    nothingLeft(world),
    nothingDeletedUnread(world),
    withinLimits(world),
    oldestFirst(world),
    fairlyShared(world),
    neverPastTheWall(world),
    spentWithinBudget(world),
    settledOnce(world),
    stoppedByItsBudget(world),
    webhooksAnsweredRightly(world),
    ...cancelsHonoured(world, users),
    ...holdsKept(world, users),
  ];
}

/**
 * Promise 1: an intent keeps at most one batch. A batch that the API refused for the token limit ran no row, so a
 * second one that a duplicated request made may take its place.
 */
function oneBatchPerIntent(world: World): Finding {
  const { creates, cancels } = world.api.audit();
  const refused = new Set(
    world.ledger.wholeParts().flatMap(({ earlierBatchIds, ran }) => {
      return earlierBatchIds.filter((batchId) => !ran.some(({ batch }) => batch.batchId === batchId));
    }),
  );
  const secondBatchIds = new Set(world.ledger.wholeParts().flatMap((part) => part.secondBatchIds));
  const cancelled = new Set([...cancels.map(({ batchId }) => batchId), ...world.faultyApi.tooLate]);
  const notToBeFound = batchesNotToBeFound(world);
  const kept = new Map<string, number>();
  for (const { batchId, metadata } of creates) {
    if (secondBatchIds.has(batchId) && cancelled.has(batchId)) continue;
    if (refused.has(batchId)) continue;
    if (notToBeFound.has(batchId)) continue;
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

/**
 * Promise 1: no row that succeeded is billed twice in its job. The promise does not cover a batch that cannot be found, or
 * that one of two is a batch that a duplicated request created: Batchdrop keeps one of the two, and cancels and reports
 * the other.
 */
function noRowTwice(world: World): Finding {
  const { creates, billed } = world.api.audit();
  const { duplicated } = world.faultyApi;
  const notToBeFound = batchesNotToBeFound(world);
  const seconds = new Set(world.ledger.wholeParts().flatMap((part) => part.secondBatchIds));
  const jobOf = new Map(creates.map(({ batchId, metadata }) => [batchId, metadata.batchdrop_job]));
  const known = billed.filter(({ batchId }) => !notToBeFound.has(batchId));
  const broken: string[] = [];
  for (const [row, of] of Map.groupBy(known, (one) => `${jobOf.get(one.batchId)} ${one.customId}`)) {
    const reported = of.filter(({ batchId }) => seconds.has(batchId)).length;
    const byDuplicates = of.filter(({ batchId }) => duplicated.has(batchId)).length;
    if (of.length - Math.min(reported, byDuplicates) > 1) broken.push(`row ${row} was billed twice`);
  }
  return { promise: 'no succeeded row billed twice', examined: billed.length, broken };
}

/**
 * Returns the batches that Batchdrop cannot find: those that the API denies, and those that a duplicated create made in
 * an account whose key was away for as long as the job was searched, if the job says that the search is incomplete.
 */
function batchesNotToBeFound(world: World): Set<string> {
  const { forgotten, duplicated } = world.faultyApi;
  const notSearched = new Set(
    (world.operator.hasTwoAccounts() ? world.ledger.jobs() : []).flatMap((job) =>
      job.secondBatchSearch === 'incomplete' ? [job.jobId] : [],
    ),
  );
  const own = new Set(
    world.ledger.wholeParts().flatMap(({ batch, earlierBatchIds }) => [batch?.batchId, ...earlierBatchIds]),
  );
  const unfound = world.api.audit().creates.flatMap(({ batchId, metadata }) => {
    const isUnfound = duplicated.has(batchId) && notSearched.has(metadata.batchdrop_job ?? '');
    return isUnfound && !own.has(batchId) ? [batchId] : [];
  });
  return new Set([...forgotten, ...unfound]);
}

/**
 * Promise 1: at most two creates of a part remain without a known outcome, and one more for each release by a person.
 */
function spendingBounded(world: World): Finding {
  const parts = world.ledger.wholeParts();
  const broken: string[] = [];
  // A create that was refused because the key belongs to another account has a known outcome.
  for (const part of world.operator.hasTwoAccounts() ? [] : parts) {
    const sent = world.written.sends.filter(({ part: name }) => name === nameOf(part));
    const intents = new Set(sent.map(({ intentId }) => intentId));
    const unresolved = [...intents].filter((intentId) => !world.written.savedIntents.has(intentId));
    const known = part.ended ? unresolved.filter((intentId) => intentId !== part.intent?.id) : unresolved;
    if (known.length > 2 + (part.releases ?? 0))
      broken.push(`part ${nameOf(part)} has ${known.length} creates without a known outcome`);
  }
  return { promise: 'unresolved creates are bounded', examined: parts.length, broken };
}

/**
 * Promise 1: of two batches that a duplicated request created, one is kept and the other is reported, and no other batch
 * is. If the API forgot the kept one, it is on no list, and the other may be ours under another id (`second-batch-search.ts`, known gaps).
 */
function secondsReported(world: World): Finding {
  const { duplicated, forgotten } = world.faultyApi;
  const parts = world.ledger.wholeParts();
  const own = new Set(
    parts.flatMap(({ batch, earlierBatchIds }) => [batch?.batchId ?? '', ...earlierBatchIds]),
  );
  const seconds = new Set(parts.flatMap(({ secondBatchIds }) => secondBatchIds));
  // The key of another account cannot search the list of this account.
  const all = world.operator.hasTwoAccounts() ? [] : [...duplicated];
  const unreported = all
    .filter(
      ([batchId, other]) =>
        !own.has(batchId) && !seconds.has(batchId) && !forgotten.has(batchId) && !forgotten.has(other),
    )
    .map(([batchId]) => `second batch ${batchId} was not reported`);
  const wrong = [...seconds]
    .filter((batchId) => own.has(batchId))
    .map((batchId) => `${batchId} is no second batch, and was reported`);
  return { promise: 'second batches are reported', examined: all.length, broken: [...unreported, ...wrong] };
}

/** If a part ended because the API refused its create, no batch has its intent. */
function refusedHaveNone(world: World): Finding {
  const created = new Map(
    world.api.audit().creates.map(({ batchId, metadata }) => [metadata.batchdrop_intent ?? '', batchId]),
  );
  const refused = world.ledger
    .parts()
    .filter(({ ended, batch }) => ended?.as === 'failed' && batch === undefined);
  const broken = refused.flatMap(({ intent, jobId }) => {
    const batchId = created.get(intent?.id ?? 'none');
    return batchId === undefined ? [] : [`job ${jobId} has failed as refused, and ${batchId} ran for it`];
  });
  return { promise: 'a refused create has no batch', examined: world.ledger.wholeParts().length, broken };
}

/** A batch id that was returned to a function is in the ledger when the function ends. */
function idsSaved({ savedIds, unsavedIds }: World): Finding {
  const broken = unsavedIds.map((what) => `batch ${what}, was not saved`);
  return { promise: 'a returned batch id is saved', examined: savedIds + unsavedIds.length, broken };
}
