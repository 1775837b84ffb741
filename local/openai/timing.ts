import { seededRandom } from './faults/seeded-random.ts';

/** What a duration may depend on. `random` returns numbers in [0, 1) that depend only on the seed and the batch. */
interface TimedBatch {
  readonly id: string;
  /** The number of rows in the batch; 0 before the file is read. */
  readonly rows: number;
  readonly random: () => number;
}

/** The duration of each non-terminal status, in ms of the server's clock. */
export interface Timing {
  readonly validating: (batch: TimedBatch) => number;
  readonly inProgress: (batch: TimedBatch) => number;
  readonly finalizing: (batch: TimedBatch) => number;
  readonly cancelling: (batch: TimedBatch) => number;
}

const SECOND = 1_000;
const between = (from: number, to: number, random: () => number) => Math.round(from + random() * (to - from));

/** The faster half of the real API's durations (a median batch takes 7 minutes), plus 10 ms per row. */
export const TYPICAL_TIMING: Timing = {
  validating: ({ random }) => between(20 * SECOND, 60 * SECOND, random),
  inProgress: ({ random, rows }) => between(120 * SECOND, 300 * SECOND, random) + rows * 10,
  finalizing: ({ random }) => between(20 * SECOND, 60 * SECOND, random),
  cancelling: ({ random }) => between(20 * SECOND, 90 * SECOND, random),
};

/** Returns the duration of a status of a batch, in ms. */
export function durationOf(
  timing: Timing,
  status: keyof Timing,
  seed: number,
  batch: { id: string; rows: number },
): number {
  return timing[status]({ ...batch, random: seededRandom(`${seed}/${batch.id}/${status}`) });
}
