/** The records of the ledger besides jobs and parts. */
import type { Reason, WaitingFor } from '../contract/events.ts';
import type { Job } from './job.ts';
import type { OpenBatch } from './open-batch.ts';
import type { Admission, Part, PartRef } from './part.ts';
import type { ContentFacts } from './same-bytes.ts';
import { MAX_TRIES } from './timing.ts';
import type { WaitingPart } from './waiting/admission-queue.ts';
import type { Breaker } from './waiting/breaker.ts';
import type { LearnedLimit } from './waiting/learned-limits.ts';
import type { ShareLeads } from './waiting/shares.ts';
import type { Measured } from './waiting/tokens.ts';

/** The newest file of a key, and the cancel requests by key: the event of a file that they name may arrive later. */
export interface KeyPointer {
  bucket: string;
  key: string;
  version: number;
  newest?: { jobId: string; sequencer?: string };
  /**
   * When cancel requests by key were sent, in milliseconds, oldest first; at most one per second, and only the newest.
   */
  cancels?: number[];
  /** The job that runs or ran each content of the key, the newest last; at most `MAX_RUNS`. */
  runs?: Run[];
}

/** Which job runs bytes. The pointer's write decides: of two jobs with the same bytes only one is here. */
export interface Run extends ContentFacts {
  jobId: string;
}

const MAX_RUNS = 100; // 15 KB of the pointer, if a key is overwritten so often

/** Returns the runs, with the job in place of those that it replaces. */
export function withRun(runs: readonly Run[], run: Run, replaces: (known: Run) => boolean): Run[] {
  return [...runs.filter((known) => !replaces(known)), run].slice(-MAX_RUNS);
}

/**
 * One entry of the `due` index. It may be stale: read the item before you change it. `open` is present when the part's
 * batch only has to be observed, `waits` when the part only waits for capacity; the part then need not be read.
 */
export type DueItem =
  | { kind: 'job'; jobId: string }
  | ({ kind: 'part'; open?: OpenBatch; waits?: WaitingPart } & PartRef);

/**
 * A part that waits for a person's release; or a part or job of which a step used up its tries: Batchdrop retries it,
 * but a person has to find the cause.
 */
export type StalledItem = { reason: Reason } & (
  | { kind: 'job'; jobId: string }
  | ({ kind: 'part' } & PartRef)
);

/** A part or job that waits for something to pass. Batchdrop continues by itself. `said`: the other side's words, or ours. */
export type HeldUpItem = HeldUp & ({ kind: 'job'; jobId: string } | ({ kind: 'part' } & PartRef));

/** What holds an item up. */
export interface HeldUp {
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

/** Returns what holds the item up; undefined if nothing does, or if it is stalled or in the admission queue. */
export function heldUpBy(item: Job | Part): HeldUp | undefined {
  const { obstacle, dueAt } = item;
  if (!obstacle || dueAt === undefined || stalledReasonOf(item)) return undefined;
  if (item.kind === 'part' && item.waiting) return undefined;
  return { for: obstacle.for, said: obstacle.said ?? 'no reason given' };
}

/** The operator's switches, and the state that one tick of the poller passes to the next. */
export interface Control {
  version: number;
  paused: boolean;
  pollLease?: { holder: string; until: number };
  /** The shard that the next tick reads first. */
  nextShard?: number;
  /** The API asked for no calls before this time, in milliseconds. */
  observeFrom?: number;
  /** Models with parts that wait for the API's token limit: new parts of the model queue behind them. */
  full?: string[];
  /** Models with a learned limit: new parts of them wait for admission. */
  limited?: string[];
  /** Refusals of the account or its storage. */
  breakers?: Breaker[];
  /** Batches that the last tick did not observe: the next one retrieves them first. */
  observeFirst?: string[];
  /** When a tick last began to observe all open batches, in milliseconds. */
  observedAt?: number;
  /** When a tick last finished, in milliseconds. */
  tickedAt?: number;
  /** Accounts with a part that is stalled by unresolved creates. */
  uncertain?: UncertainAccount[];
}

/**
 * An account whose creates have no known outcome. While it is listed, nothing begins again by itself in it; and until a
 * create is answered, its creates leave one at a time.
 */
export interface UncertainAccount {
  /** Absent when it is not known. */
  account?: string;
  /** Stalled parts move it on while they last, in milliseconds. */
  until: number;
  /** The create that may be under way, until this time in milliseconds. */
  create?: { intentId: string; until: number };
  /** A create was answered since the part stalled. */
  answered?: true;
}

/** A part that was admitted. */
export interface Admitted extends PartRef {
  /** Identifies the wait that the admission ended: `waiting.since`. */
  since: number;
  model: string;
  uploadBytes: number;
  rows?: number;
  /** Present until the part is known to have it. */
  admission?: Admission;
}

/** The admitted parts that are not known to have ended, and what later admissions need to know. */
export interface Admissions {
  version: number;
  admitted: Admitted[];
  measured: Record<string, Measured>;
  learned?: LearnedLimit[];
  /** Who is ahead of their fair share; absent: nobody. */
  leads?: ShareLeads;
}

/** Shards of the `due` index. */
export const DUE_SHARDS = 4;

/** How many batches were created in each of the last minutes; older minutes are dropped. */
export interface CreateWindow {
  version: number;
  minutes: { minute: number; creates: number }[];
}
