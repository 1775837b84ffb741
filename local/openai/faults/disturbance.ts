import type { FailingRows } from '../batches/failing-rows.ts';
import type { BatchBehavior } from './faults.ts';

/** The faults of a request that the operation itself carries out. */
export interface Disturbance {
  /** The end of the created batch; null for a normal end. */
  readonly behavior: BatchBehavior | null;
  /** Rows of the created batch that fail. */
  readonly failingRows: FailingRows | null;
  /** Batches younger than this are missing from the list. */
  readonly lagMs: number;
  /** The content ends halfway. */
  readonly truncates: boolean;
  /** Awaited once the request is read; for the fault `late`, it cuts the connection and resolves later. */
  readonly read: () => Promise<void>;
}

export const UNDISTURBED: Disturbance = {
  behavior: null,
  failingRows: null,
  lagMs: 0,
  truncates: false,
  read: async () => {},
};
