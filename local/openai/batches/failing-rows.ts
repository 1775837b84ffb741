import { seededRandom } from '../faults/seeded-random.ts';

/** How many rows of a batch fail on demand, and with which HTTP status. */
export interface FailingRows {
  /** Of the batch's rows, 0 to 1. */
  readonly share: number;
  readonly status: number;
}

/** The rows (counted from 0) that fail: the same for the same `key`, each drawn by itself. */
export function failingRowsOf({ share }: FailingRows, rows: number, key: string): ReadonlySet<number> {
  const random = seededRandom(`${key}/failing`);
  const failing = new Set<number>();
  for (let row = 0; row < rows; row += 1) if (random() < share) failing.add(row);
  return failing;
}
