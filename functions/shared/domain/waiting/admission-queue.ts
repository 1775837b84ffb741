import type { OutputBounds } from '../money/output-bounds.ts';
import { attemptBounds, attemptSize, type PartIn, type PartRef, type Waiting } from '../part.ts';
import { areInOneLine, type ShareOfPart } from './shares.ts';

/** The fields of a waiting part that decide when it is admitted. */
export interface WaitingPart extends PartRef {
  jobCreatedAt: number;
  model: string;
  /** The length of the waiting attempt, in bytes. */
  uploadBytes: number;
  rows?: number;
  share?: ShareOfPart;
  group?: string;
  /** It waits for a part of its rows only. */
  isSlice?: true;
  /** When somebody approved its job, in milliseconds. */
  approvedAt?: number;
  /** The most output tokens of the attempt that waits. */
  output?: OutputBounds;
  waiting: Waiting;
}

/** Returns the part's entry in the admission queue. */
export function waitingPartOf(part: PartIn<'waiting' | 'requeued'>): WaitingPart {
  const { jobId, planId, number, jobCreatedAt, model, share, group, slice, approvedAt, waiting } = part;
  const output = attemptBounds(part);
  const { uploadBytes, rows } = attemptSize(part);
  const size = { uploadBytes, rows, ...(output && { output }) };
  const facts = {
    ...(share && { share }),
    ...(group !== undefined && { group }),
    ...(slice && { isSlice: true as const }),
    ...(approvedAt !== undefined && { approvedAt }),
  };
  return { jobId, planId, number, jobCreatedAt, model, ...size, ...facts, waiting };
}

/** Returns a unique name for a part, for use as a map key. */
export function nameOf({ jobId, planId, number }: PartRef): string {
  return `${jobId}/${planId}/${number}`;
}

/** The fields that decide a part's position in the queue. */
type Entry = Pick<WaitingPart, 'jobId' | 'planId' | 'number' | 'jobCreatedAt' | 'model' | 'share'>;

/** The parts that one tick has read and that wait for admission. */
export class AdmissionQueue {
  readonly #parts = new Map<string, WaitingPart>();
  /** The parts in the queue, and those that are about to join it. */
  readonly #entries = new Map<string, Entry>();

  add(part: WaitingPart): void {
    this.#parts.set(nameOf(part), part);
    this.announce(part);
  }

  /** Counts a part that was rejected for the token limit in the positions of others before the part joins the queue. */
  announce(part: Entry): void {
    this.#entries.set(nameOf(part), part);
  }

  get length(): number {
    return this.#parts.size;
  }

  /** Returns the parts by age: oldest job first, then by number. Without shares they are admitted in this order. */
  inOrder(): WaitingPart[] {
    return [...this.#parts.values()].sort(byAge);
  }

  /** Returns the position that the part has, or would have, among the parts of its model and share; from 1. */
  positionOf(part: Entry): number {
    let before = 0;
    for (const other of this.#entries.values())
      if (other.model === part.model && areInOneLine(other, part) && byAge(other, part) < 0) before += 1;
    return before + 1;
  }
}

/** Compares two parts by the age of their jobs. The job id decides between jobs of the same millisecond. */
function byAge(a: Entry, b: Entry): number {
  if (a.jobCreatedAt !== b.jobCreatedAt) return a.jobCreatedAt - b.jobCreatedAt;
  if (a.jobId !== b.jobId) return a.jobId < b.jobId ? -1 : 1;
  return a.number - b.number;
}
