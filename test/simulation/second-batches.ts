import { resultKeys } from '../../functions/shared/contract/result-keys.ts';
import { type HistoryReport, playHistory } from './world/history.ts';

const MINUTE = 60_000;
/** Twice the settling time: an intent is abandoned while its batch runs and is not on the list. */
const SCENARIO = { listLagMs: 20 * MINUTE, runningMs: 60 * MINUTE };
const BEYOND_THE_BOUND = /keeps \d+ batches|was billed twice/;

/** Plays a history in which batches are listed too late, and counts second batches; `broken` is what was not done about them. */
export async function playWithSecondBatches(seed: number): Promise<{ found: number; broken: string[] }> {
  // With two accounts there are batches that the key in use cannot cancel; second batches occur without them. A
  // duplicate of a batch that ends before the list shows it is not found.
  const report = await playHistory(
    seed,
    { kinds: ['key of another account', 'create duplicated'] },
    SCENARIO,
  );
  const unreported = secondBatches(report);
  const others = report.broken.filter((what) => !BEYOND_THE_BOUND.test(what));
  return { found: unreported.found, broken: [...unreported.broken, ...others] };
}

/** Batches that are neither their part's own nor those of earlier attempts, and what Batchdrop failed to do about them. */
function secondBatches({ world }: HistoryReport): { found: number; broken: string[] } {
  const { creates, cancels } = world.api.audit();
  const parts = world.ledger.parts();
  const known = new Set(parts.flatMap(({ batch, earlierBatchIds }) => [batch?.batchId, ...earlierBatchIds]));
  const broken: string[] = [];
  // A batch that the API denies cannot be found.
  const seconds = creates.filter(
    ({ batchId }) => !known.has(batchId) && !world.faultyApi.forgotten.has(batchId),
  );
  for (const { batchId, metadata } of seconds) {
    const cancelled =
      cancels.some((cancel) => cancel.batchId === batchId) || world.faultyApi.tooLate.has(batchId);
    if (!cancelled) broken.push(`${batchId} was not cancelled`);
    if (!world.log.lines.some(({ code, facts }) => code === 'second_batch' && facts.batchId === batchId))
      broken.push(`${batchId} is not in the log`);
    const part = parts.find(({ secondBatchIds }) => secondBatchIds.includes(batchId));
    if (part?.jobId !== metadata.batchdrop_job) broken.push(`${batchId} is not in the ledger`);
    const job = world.ledger.jobs().find(({ jobId }) => jobId === metadata.batchdrop_job);
    const summary = job && world.results.objects().get(resultKeys(job).summary);
    if (!summary || !Buffer.from(summary.body).toString().includes(batchId))
      broken.push(`${batchId} is not in the summary`);
  }
  // The metric of the alarm SecondBatch.
  if (world.metrics.of('SecondBatches').length < seconds.length)
    broken.push('a second batch raised no alarm');
  return { found: seconds.length, broken };
}
