import type { FailingRows } from '../batches/failing-rows.ts';
import type { BatchBehavior, WebhookFault } from './faults.ts';

/** The faults of a request that its operation itself carries out. */
export interface Disturbance {
  /** The end of the created batch; null for a normal end. */
  readonly behavior: BatchBehavior | null;
  /** Rows of the created batch that fail. */
  readonly failingRows: FailingRows | null;
  /** The result lines have odd shapes. */
  readonly oddRows: boolean;
  /** The faults of the created batch's webhooks. */
  readonly webhookFaults: readonly WebhookFault[];
  /** Two batches are created. */
  readonly twice: boolean;
  /** A batch is refused if its file is younger than this. */
  readonly invisibleMs: number;
  /** Batches younger than this are missing from the list. */
  readonly lagMs: number;
  /** The list starts again from its beginning, whatever page was requested. */
  readonly samePage: boolean;
  /** Files and batches younger than this are not found. */
  readonly notFoundMs: number;
  /** In a file younger than this, every other line is from another file. */
  readonly foreignMs: number;
  /** A file younger than this contains half of its lines. */
  readonly shortMs: number;
  /** The content ends halfway. */
  readonly truncates: boolean;
  /** The content stops halfway, and the connection stays open. */
  readonly stalls: boolean;
  /** Awaited once the request is read. For the fault `late`, it cuts the connection and resolves later. */
  readonly read: () => Promise<void>;
}

export const UNDISTURBED: Disturbance = {
  behavior: null,
  failingRows: null,
  oddRows: false,
  webhookFaults: [],
  twice: false,
  invisibleMs: 0,
  lagMs: 0,
  samePage: false,
  notFoundMs: 0,
  foreignMs: 0,
  shortMs: 0,
  truncates: false,
  stalls: false,
  read: async () => {},
};
