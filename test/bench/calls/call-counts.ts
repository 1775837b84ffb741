import { FUNCTION_NAMES, type FunctionName } from '../../../lib/stages/function-bundles.ts';

/** The number of calls per kind, such as `S3 PutObject`, and the number of billed units. */
export type Counts = Record<string, number>;

export type CountsByFunction = { [name in FunctionName]?: Counts };

/** The result of `npm run bench:calls`, as counted-calls.json stores it. */
export interface CountedCalls {
  /** A file of three rows: one batch, observed in progress and completed. */
  readonly smallJob: CountsByFunction;
  /** The added calls if POLL also observes `finalizing`. */
  readonly furtherStatus: CountsByFunction;
  /** The added calls for a tick that observes no change. */
  readonly tickWithoutNews: CountsByFunction;
  /** The added calls if the batch runs 15 minutes longer, with one tick in that time. */
  readonly quarterOfAnHour: CountsByFunction;
  /** 20 MB in and 20 MB out: one batch, observed in progress, finalizing, and completed. */
  readonly largeJob: CountsByFunction;
  /** The calls that POLL makes in each tick, with or without jobs. */
  readonly tick: Counts;
  /** The calls that POLL makes in a tick that finds nothing, after one that found nothing. */
  readonly idleTick: Counts;
}

const LEDGER_READ = /^ledger (GetItem|Query)\b/;
const LEDGER_WRITE = /^ledger (PutItem|UpdateItem|DeleteItem)\b/;

/** Returns the number of reads of the table, for every kind of item. */
export function ledgerReads(counts: Counts): number {
  return sumOf(counts, LEDGER_READ);
}

/** Returns the number of writes to the table, for every kind of item, including writes that failed their condition. */
export function ledgerWrites(counts: Counts): number {
  return sumOf(counts, LEDGER_WRITE);
}

/** Returns the sum of all kinds that match the pattern. */
export function sumOf(counts: Counts, kinds: RegExp): number {
  let sum = 0;
  for (const [kind, times] of Object.entries(counts)) if (kinds.test(kind)) sum += times;
  return sum;
}

/** Returns the sum over all functions. */
export function ofAll(counts: CountsByFunction): Counts {
  return Object.values(counts).reduce<Counts>((sum, some) => plus(sum, some, 1), {});
}

/** Returns `left` plus `times` times `right`, per function. */
export function plusByFunction(
  left: CountsByFunction,
  right: CountsByFunction,
  times: number,
): CountsByFunction {
  const sums = FUNCTION_NAMES.map(
    (name) => [name, plus(left[name] ?? {}, right[name] ?? {}, times)] as const,
  );
  return Object.fromEntries(sums.filter(([, counts]) => Object.keys(counts).length > 0));
}

/** Returns `left` plus `times` times `right`, without the kinds whose sum is zero. */
function plus(left: Counts, right: Counts, times: number): Counts {
  const kinds = [...new Set([...Object.keys(left), ...Object.keys(right)])].toSorted();
  const sums = kinds.map((kind) => [kind, (left[kind] ?? 0) + times * (right[kind] ?? 0)] as const);
  return Object.fromEntries(sums.filter(([, sum]) => sum !== 0));
}
