/**
 * Looks at charges (`budget.ts`): which attempts were billed, and for how much.
 *
 *   - while an attempt may still be billed, its high estimate stays reserved. So it does after a create without a known
 *     outcome, until the search for second batches at the end of the job has found nothing
 *   - the batch is billed for the tokens of its result lines, or for those that it reports itself, whichever cost more. If
 *     neither is known, or no price, it is billed as it was estimated
 *   - a second batch is billed as the batch of the same rows was estimated
 *   - an attempt without a batch, and a batch that the API rejected before it ran a row, are not billed
 *
 * A charge stays listed until its job is over, and is corrected if a delivery is repeated.
 */
import type { TokenUsage } from '../../shared/contract/events.ts';
import { isOver } from '../../shared/domain/job.ts';
import { type Amount, decimalOf } from '../../shared/domain/money/amount.ts';
import type { Charge, Spending } from '../../shared/domain/money/budget.ts';
import { withoutCharge } from '../../shared/domain/money/budget.ts';
import type { PriceList } from '../../shared/domain/money/price-list.ts';
import type { Prices } from '../../shared/domain/money/prices.ts';
import { NO_TOKENS } from '../../shared/domain/money/token-counts.ts';
import type { OpenBatch } from '../../shared/domain/open-batch.ts';
import type { Part } from '../../shared/domain/part.ts';
import type { BilledBatch } from '../../shared/domain/part-results.ts';
import { nameOf } from '../../shared/domain/waiting/admission-queue.ts';
import { passingRefusalOf } from '../../shared/domain/waiting/passing-refusal.ts';
import { inParallel } from '../../shared/lifecycle/in-parallel.ts';
import type { Ports } from '../../shared/ports/ports.ts';

type Deps = Pick<Ports, 'ledger' | 'clock'> & { prices: Pick<PriceList, 'at'> };

/** What the tick knows already. */
export interface KnownOfCharges {
  /** Open batches by the names of their parts, as last observed. */
  open: ReadonlyMap<string, OpenBatch>;
  /** The names of parts that do not know of their admission yet. */
  unaware: ReadonlySet<string>;
}

const AT_ONCE = 32;
const LOOK_AGAIN_MS = 3_600_000;

/** What is known of an attempt. `may be billed`: its batch runs, or may run. */
type Outcome =
  | { is: 'may be billed'; batchId?: string }
  | { is: 'uncertain' }
  | { is: 'not billed' }
  | { is: 'billed'; cost: Amount | undefined };

/** Returns the spending after a look at each charge that is due. Errors: RetryableError. */
export async function afterLook(deps: Deps, spending: Spending, known: KnownOfCharges): Promise<Spending> {
  const now = deps.clock.now();
  const looked = new Map<Charge, Charge | 'over'>();
  await inParallel(spending.charges, AT_ONCE, async (charge) => {
    if (!isDue(charge, known, now)) return;
    looked.set(charge, await lookAt(deps, charge));
  });
  let next = spending;
  for (const [charge, after] of looked) {
    const isNew = after !== 'over' && JSON.stringify(after) !== JSON.stringify(charge);
    if (after === 'over') next = withoutCharge(next, charge);
    else if (isNew) next = { ...next, charges: next.charges.map((one) => (one === charge ? after : one)) };
  }
  return next;
}

function isDue(charge: Charge, { open, unaware }: KnownOfCharges, now: number): boolean {
  const { batchId, lookAt: due } = charge;
  if (due !== undefined) return due <= now;
  const name = nameOf(charge);
  return !unaware.has(name) && (batchId === undefined || open.get(name)?.batchId !== batchId);
}

async function lookAt(deps: Deps, charge: Charge): Promise<Charge | 'over'> {
  const part = await deps.ledger.readPart(charge);
  if (!part) return 'over';
  const { seconds = 0, secondsBefore = 0 } = charge;
  const found = Math.max(seconds, part.secondBatchIds.length - secondsBefore);
  const seen = { ...charge, ...(found > 0 ? { seconds: found } : {}) };
  const outcome = outcomeOf(part, charge, deps.prices.at(part.jobCreatedAt));
  const later = { lookAt: deps.clock.now() + LOOK_AGAIN_MS };
  switch (outcome.is) {
    case 'may be billed':
      return outcome.batchId === undefined ? seen : { ...seen, batchId: outcome.batchId };
    case 'not billed':
      return overOr(deps, charge, { ...seen, ...later, settled: '0' });
    case 'billed': {
      const settled = outcome.cost === undefined ? (charge.high ?? '0') : decimalOf(outcome.cost);
      return overOr(deps, charge, { ...seen, ...later, settled });
    }
    case 'uncertain':
      return (await isSearched(deps, charge)) ? { ...seen, ...later, settled: '0' } : { ...seen, ...later };
  }
}

/** Returns the charge, until it cannot change any more. */
async function overOr(deps: Deps, before: Charge, after: Charge): Promise<Charge | 'over'> {
  const isKnown = before.settled === after.settled && before.seconds === after.seconds;
  return isKnown && (await isSearched(deps, before)) ? 'over' : after;
}

/** Returns whether the job is over, and the search for its second batches, too. */
async function isSearched({ ledger }: Deps, { jobId }: Charge): Promise<boolean> {
  const job = await ledger.readJob(jobId);
  return !job || (isOver(job) && job.secondBatchSearch !== undefined);
}

function outcomeOf(part: Part, charge: Charge, prices: Prices): Outcome {
  const outcome =
    part.admission?.at === charge.at
      ? outcomeOfPresent(part, charge, prices)
      : outcomeOfEarlier(part, charge, prices);
  return outcome.is === 'uncertain' ? (outcomeOfAdopted(part, prices) ?? outcome) : outcome;
}

/** Returns the outcome of a batch that a person found after its create stayed without a known outcome: it had no admission. */
function outcomeOfAdopted(part: Part, prices: Prices): Outcome | undefined {
  const ran = part.ran.findLast(({ admission }) => admission === undefined);
  if (ran) return billed(part, part.earlierResults?.ofBatch, ran.batch, prices);
  if (part.admission || !part.batch) return undefined;
  return part.phase === 'delivered'
    ? billed(part, part.delivered.ofBatch, part.batch, prices)
    : { is: 'may be billed', batchId: part.batch.batchId };
}

function outcomeOfPresent(part: Part, charge: Charge, prices: Prices): Outcome {
  if (isAbandonedSince(part, charge)) return { is: 'uncertain' };
  switch (part.phase) {
    case 'delivered':
      if (part.ended?.as === 'lost') return { is: 'billed', cost: undefined };
      if (!part.batch) return { is: 'not billed' };
      return billed(part, part.delivered.ofBatch, part.batch, prices);
    case 'requeued':
      return { is: 'not billed' };
    case 'running':
    case 'batch_ended':
      return { is: 'may be billed', batchId: part.batch.batchId };
    default:
      return { is: 'may be billed' };
  }
}

function outcomeOfEarlier(part: Part, charge: Charge, prices: Prices): Outcome {
  const ran = part.ran.findLast(({ admission }) => admission?.at === charge.at);
  if (ran) return billed(part, part.earlierResults?.ofBatch, ran.batch, prices);
  if (isAbandonedSince(part, charge)) return { is: 'uncertain' };
  const { batchId } = charge;
  if (batchId === undefined || part.earlierBatchIds.includes(batchId)) return { is: 'not billed' };
  const isRejected = part.batch?.batchId === batchId && passingRefusalOf(part.batch) !== undefined;
  return isRejected ? { is: 'not billed' } : { is: 'billed', cost: undefined };
}

/** Returns whether a create of the attempt has no known outcome: a batch of it may exist. */
function isAbandonedSince({ abandoned }: Part, { at }: Charge): boolean {
  return abandoned.some((intent) => (intent.givenUpAt ?? intent.at) >= at);
}

function billed(
  { model }: Part,
  ofBatch: BilledBatch | undefined,
  { batchId, usage }: { batchId: string; usage?: TokenUsage },
  prices: Prices,
): Outcome {
  const ofRows = ofBatch?.batchId === batchId ? costOfRows(ofBatch, prices) : undefined;
  const reported = usage && costOfUsage(model, usage, prices);
  if (ofRows === undefined || reported === undefined) return { is: 'billed', cost: ofRows ?? reported };
  if (ofRows > reported) return { is: 'billed', cost: ofRows };
  return { is: 'billed', cost: reported };
}

function costOfRows({ tokens, rowsWithoutUsage }: BilledBatch, prices: Prices): Amount | undefined {
  if (rowsWithoutUsage > 0) return undefined;
  let sum = 0n;
  for (const each of tokens) {
    const cost = prices.costOf(each);
    if (!cost) return undefined;
    sum += cost.paid;
  }
  return sum;
}

function costOfUsage(model: string, usage: TokenUsage, prices: Prices): Amount | undefined {
  const { inputTokens: input, cachedInputTokens: cachedInput, outputTokens: output } = usage;
  return prices.costOf({ model, rows: 0, ...NO_TOKENS, input, cachedInput, output })?.paid;
}
