import type { FailingRows } from '../batches/failing-rows.ts';
import type { BatchFate } from './faults.ts';

/** What the operation itself has to know of the faults that meet its request. */
export interface Disturbance {
  /** How the batch that is created is to end; null: well. */
  readonly fate: BatchFate | null;
  /** Rows of the batch that is created that are to fail. */
  readonly failingRows: FailingRows | null;
  /** Batches younger than this are not on the list. */
  readonly lagMs: number;
  /** The content breaks off half-way. */
  readonly truncates: boolean;
  /** Awaited once the request is read: cuts the connection and goes on later, when that is the fault. */
  readonly read: () => Promise<void>;
}

export const UNDISTURBED: Disturbance = {
  fate: null,
  failingRows: null,
  lagMs: 0,
  truncates: false,
  read: async () => {},
};
