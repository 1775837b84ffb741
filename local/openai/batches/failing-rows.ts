import { seededRandom } from '../faults/seeded-random.ts';

/** Rows of a batch that a fault makes fail, and their HTTP status. */
export interface FailingRows {
  /** Share of the batch's rows, 0 to 1. */
  readonly share: number;
  readonly status: number;
}

/**
 * Returns the rows (counted from 0) that fail. Each is chosen independently. The result depends only on the arguments.
 */
export function failingRowsOf({ share }: FailingRows, rows: number, key: string): ReadonlySet<number> {
  const random = seededRandom(`${key}/failing`);
  const failing = new Set<number>();
  for (let row = 0; row < rows; row += 1) if (random() < share) failing.add(row);
  return failing;
}
