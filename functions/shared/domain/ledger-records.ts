/** The records of the ledger besides jobs and parts. */
import type { Reason, WaitingFor } from '../contract/events.ts';
import type { Job } from './job.ts';
import type { Spending } from './money/budget.ts';
import type { MeasuredRows } from './money/measured-rows.ts';
import type { OpenBatch } from './open-batch.ts';
import type { Admission, Part, PartRef } from './part.ts';
import type { ContentFacts } from './same-bytes.ts';
import { MAX_TRIES } from './timing.ts';
import type { WaitingPart } from './waiting/admission-queue.ts';
import type { Breaker } from './waiting/breaker.ts';
import type { LearnedLimit } from './waiting/learned-limits.ts';
import type { ShareLeads } from './waiting/shares.ts';
import type { Measured } from './waiting/tokens.ts';

/** The newest job of a key, and the cancel requests by key. The event of the file to cancel may arrive later. */
export interface KeyPointer {
  bucket: string;
  key: string;
  version: number;
  newest?: { jobId: string; sequencer?: string };
  /** When the newest cancel requests by key were sent, in milliseconds, oldest first; at most one per second. */
  cancels?: number[];
  /** The job that runs or ran each content of the key, newest last; at most `MAX_RUNS`. */
  runs?: Run[];
}

/**
 * The job that runs these bytes. The write of the key pointer decides: of two jobs with the same bytes, only one is
 * listed.
 */
export interface Run extends ContentFacts {
  jobId: string;
}

const MAX_RUNS = 100; // 15 KB of the key pointer, if a key is overwritten that often

/** Returns the runs with the job added. It takes the place of the runs for which `replaces` is true. */
export function withRun(runs: readonly Run[], run: Run, replaces: (known: Run) => boolean): Run[] {
  return [...runs.filter((known) => !replaces(known)), run].slice(-MAX_RUNS);
}

/**
 * One entry of the `due` index. It may be stale: read the item before you change it. With `open` (the part's batch only
 * has to be observed) or `waits` (the part only waits for capacity), the part need not be read.
 */
export type DueItem =
  | { kind: 'job'; jobId: string }
  | ({ kind: 'part'; open?: OpenBatch; waits?: WaitingPart } & PartRef);

/**
 * A part that waits for a release by a person, or an item that has used up the tries of a step. Batchdrop still retries
 * such an item, but a person has to find the cause.
 */
export type StalledItem = { reason: Reason } & (
  | { kind: 'job'; jobId: string }
  | ({ kind: 'part' } & PartRef)
);

/**
 * An item that waits for a temporary condition. Batchdrop continues by itself. `said`: the message of the other system,
 * or ours.
 */
export type DelayedItem = Delay & ({ kind: 'job'; jobId: string } | ({ kind: 'part' } & PartRef));

/** Why an item is delayed: something other than admission keeps it from its next step. */
export interface Delay {
  for: WaitingFor;
  said: string;
}

/** Returns why the item is stalled; undefined if it is not. */
export function stalledReasonOf(item: Job | Part): Reason | undefined {
  if (item.kind === 'part' && item.phase === 'stalled') return item.stalled;
  if (item.dueAt === undefined || item.tries < MAX_TRIES) return undefined;
  if (item.kind === 'part') return item.stalled;
  if (item.status === 'received') return undefined; // INTAKE ends a job whose file it cannot read
  return {
    code: 'tries_used_up',
    message: `${item.tries} tries have failed; Batchdrop tries again every half hour`,
  };
}

/** Returns why the item is delayed. Undefined if it is not, if the item is stalled, or if it waits for admission. */
export function delayOf(item: Job | Part): Delay | undefined {
  const { obstacle, dueAt } = item;
  if (!obstacle || dueAt === undefined || stalledReasonOf(item)) return undefined;
  if (item.kind === 'part' && item.waiting) return undefined;
  return { for: obstacle.for, said: obstacle.said ?? 'no reason given' };
}

/** How often a tick that has nothing to do stores that it ran, in milliseconds. */
export const IDLE_TICK_NOTED_MS = 5 * 60_000;

/** The operator's switches, and the state that one tick passes to the next. */
export interface Control {
  version: number;
  paused: boolean;
  pollLease?: { holder: string; until: number };
  /** The shard that the next tick reads first. */
  nextShard?: number;
  /** No calls before this time, as the API asked; in milliseconds. */
  observeFrom?: number;
  /** Models with parts that wait for the API's token limit. New parts of these models queue behind them. */
  full?: string[];
  /** Models with a learned limit. New parts of these models wait for admission. */
  limited?: string[];
  /** Parts waited for admission when the last tick ended. */
  partsWait?: true;
  /** Counts of refusals for the account or its storage. */
  breakers?: Breaker[];
  /** Batches that the last tick did not observe. The next tick retrieves them first. */
  observeFirst?: string[];
  /** When a tick last began to observe all open batches, in milliseconds. */
  observedAt?: number;
  /** When a tick last finished, in milliseconds. While nothing is due, it is stored only every `IDLE_TICK_NOTED_MS`. */
  tickedAt?: number;
  /** The last tick found nothing that was due. */
  idle?: true;
  /** What rows use, by model and limit, the newest last. */
  measured?: MeasuredRows[];
  /** Accounts with a part that is stalled because of unresolved creates. */
  uncertain?: UncertainAccount[];
}

/**
 * An account with unresolved creates. While it is listed, no part of it begins again by itself. Until a create gets a
 * response, its creates are sent one at a time.
 */
export interface UncertainAccount {
  /** Absent when it is not known. */
  account?: string;
  /** When the entry ends, in milliseconds. Stalled parts extend it while they are stalled. */
  until: number;
  /** The one create that may be under way, until this time in milliseconds. */
  create?: { intentId: string; until: number };
  /** A create has got a response since the part stalled. */
  answered?: true;
}

/** A part that was admitted. */
export interface Admitted extends PartRef {
  /** Identifies the wait that the admission ended: `waiting.since`. */
  since: number;
  model: string;
  uploadBytes: number;
  rows?: number;
  /** Present until the part is known to have stored it. */
  admission?: Admission;
}

/** The admitted parts that may not have ended yet, and what later admissions need to know. */
export interface Admissions {
  version: number;
  admitted: Admitted[];
  measured: Record<string, Measured>;
  learned?: LearnedLimit[];
  /** Who is ahead of their fair share; absent: nobody. */
  leads?: ShareLeads;
  /** Present once there was a budget. */
  spending?: Spending;
}

/** Shards of the `due` index. */
export const DUE_SHARDS = 4;

/** How many batches were created in each of the last minutes. Older minutes are dropped. */
export interface CreateWindow {
  version: number;
  minutes: { minute: number; creates: number }[];
}
