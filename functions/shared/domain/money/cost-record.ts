import type { JobCost, RequestFileRef, RowCounts } from '../../contract/events.ts';

/**
 * What an ended job cost: one JSON line in an object of its own (`costKey`), for reports over many jobs. Fields are only ever
 * added, since tables are defined over it (docs/costs.md).
 */
export interface CostRecord extends JobCost {
  readonly jobId: string;
  /** Which Batchdrop ran it. */
  readonly instance: string;
  readonly status: string;
  readonly requestFile: RequestFileRef;
  /** The user's tags. */
  readonly metadata: Readonly<Record<string, string>>;
  /** ISO 8601. Its day in UTC is that of the object's folder. */
  readonly receivedAt: string;
  /** ISO 8601. */
  readonly endedAt: string;
  readonly rows: RowCounts;
}
