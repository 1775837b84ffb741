/** What the ledger keeps beside jobs and parts. */
import type { Reason } from '../contract/events.ts';
import type { WaitingPart } from './admission-queue.ts';
import type { Job } from './job.ts';
import type { OpenBatch } from './open-batch.ts';
import type { Admission, Part, PartRef } from './part.ts';
import { MAX_TRIES } from './timing.ts';
import type { Measured } from './tokens.ts';

/** The newest file of a key, and the cancels of the key: an event of a file they mean may yet come. */
export interface KeyPointer {
  bucket: string;
  key: string;
  version: number;
  newest?: { jobId: string; sequencer?: string };
  /** When cancels by key were sent, in milliseconds, oldest first; one for each second, and only the newest of many. */
  cancels?: number[];
}

/**
 * One entry of the `due` index. It may be stale: it only says where to look. `open` is there when the part's batch only has
 * to be observed, `waits` when the part only waits for capacity: it then need not be read.
 */
export type DueItem =
  | { kind: 'job'; jobId: string }
  | ({ kind: 'part'; open?: OpenBatch; waits?: WaitingPart } & PartRef);

/** A part or job of which a step used up its tries. Batchdrop retries it, but a person has to find the cause. */
export type StalledItem = { reason: Reason } & (
  | { kind: 'job'; jobId: string }
  | ({ kind: 'part' } & PartRef)
);

/** Returns why the item is stalled; undefined if it is not. */
export function stalledReasonOf(item: Job | Part): Reason | undefined {
  if (item.dueAt === undefined || item.tries < MAX_TRIES) return undefined;
  if (item.kind === 'part') return item.stalled;
  if (item.status === 'received') return undefined; // INTAKE ends a job whose file it cannot read
  return { code: 'tries_used_up', message: `${item.tries} tries have failed; retried every half an hour` };
}

/** Switches set by an operator, and what one tick of the poller leaves to the next. */
export interface Control {
  version: number;
  paused: boolean;
  pollLease?: { holder: string; until: number };
  /** The shard at which the next tick begins. */
  nextShard?: number;
  /** The API asked not to be asked before this time, in milliseconds. */
  observeFrom?: number;
  /** Models of which parts wait for the API's token limit: whoever comes newly waits behind them. */
  full?: string[];
  /** Batches that the last tick did not come to: they are retrieved first. */
  observeFirst?: string[];
  /** When the last tick was finished, in milliseconds. */
  tickedAt?: number;
}

/** A part that was admitted from waiting for capacity. */
export interface Admitted extends PartRef {
  /** Of which wait it was: `waiting.since`. */
  since: number;
  model: string;
  uploadBytes: number;
  /** Until it is known to have been given. */
  admission?: Admission;
}

/** Who was admitted and is not known to be over, and what was learned of tokens, by model. */
export interface Admissions {
  version: number;
  admitted: Admitted[];
  measured: Record<string, Measured>;
}

/** Shards of the `due` index. */
export const DUE_SHARDS = 16;

/** Batches that were created lately, by minute; old minutes are left out. */
export interface CreateWindow {
  version: number;
  minutes: { minute: number; creates: number }[];
}
