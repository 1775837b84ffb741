import { resultKeys } from '../../functions/shared/core/result-keys.ts';
import { type HistoryReport, playHistory } from './history.ts';

const MINUTE = 60_000;
/** Twice the settling time: an attempt is given up while its batch runs unseen. */
const SCENARIO = { listLagMs: 20 * MINUTE, runningMs: 60 * MINUTE };
const BEYOND_THE_BOUND = /keeps \d+ batches|was billed twice/;

/** A history in which batches show later than they may, so that rows get a second one: how many, and what is broken. */
export async function playWithSecondBatches(seed: number): Promise<{ found: number; broken: string[] }> {
  // Two accounts would leave batches that no key at hand can cancel; a second batch needs none of that.
  const report = await playHistory(seed, { kinds: ['key of another account'] }, SCENARIO);
  const unreported = secondBatches(report);
  const others = report.broken.filter((what) => !BEYOND_THE_BOUND.test(what));
  return { found: unreported.found, broken: [...unreported.broken, ...others] };
}

/** Batches that are neither their part's nor known as ended attempts, and what is missing of what is due to them. */
function secondBatches({ world }: HistoryReport): { found: number; broken: string[] } {
  const { creates, cancels } = world.api.audit();
  const parts = world.ledger.parts();
  const known = new Set(parts.flatMap(({ batch, earlierBatchIds }) => [batch?.batchId, ...earlierBatchIds]));
  const broken: string[] = [];
  const seconds = creates.filter(({ batchId }) => !known.has(batchId));
  for (const { batchId, metadata } of seconds) {
    const cancelled =
      cancels.some((cancel) => cancel.batchId === batchId) || world.faultyApi.tooLate.has(batchId);
    if (!cancelled) broken.push(`${batchId} was not cancelled`);
    if (!world.log.lines.some(({ code, facts }) => code === 'second_batch' && facts.batchId === batchId))
      broken.push(`${batchId} is not in the log`);
    const part = parts.find(({ strays }) => strays.includes(batchId));
    if (part?.jobId !== metadata.batchdrop_job) broken.push(`${batchId} is not on the record`);
    const job = world.ledger.jobs().find(({ jobId }) => jobId === metadata.batchdrop_job);
    const summary = job && world.results.objects().get(resultKeys(job).summary);
    if (!summary || !Buffer.from(summary.body).toString().includes(batchId))
      broken.push(`${batchId} is not in the summary`);
  }
  // What the alarm SecondBatch listens to.
  if (world.metrics.of('SecondBatches').length < seconds.length)
    broken.push('a second batch set off no alarm');
  return { found: seconds.length, broken };
}
