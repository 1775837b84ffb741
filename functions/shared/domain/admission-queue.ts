import { attemptSize, type PartIn, type PartRef, type Waiting } from './part.ts';

/** What of a waiting part decides when it is admitted. */
export interface WaitingPart extends PartRef {
  jobCreatedAt: number;
  model: string;
  /** Of the attempt that is to begin. */
  uploadBytes: number;
  waiting: Waiting;
}

/** The entry of a waiting part in the queue. */
export function waitingPartOf(part: PartIn<'waiting' | 'requeued'>): WaitingPart {
  const { jobId, planId, number, jobCreatedAt, model, waiting } = part;
  return { jobId, planId, number, jobCreatedAt, model, uploadBytes: attemptSize(part).uploadBytes, waiting };
}

/** A name for a part, the same wherever it turns up. */
export function nameOf({ jobId, planId, number }: PartRef): string {
  return `${jobId}/${planId}/${number}`;
}

/** What a position in the queue follows from. */
type Entry = Pick<WaitingPart, 'jobId' | 'planId' | 'number' | 'jobCreatedAt' | 'model'>;

/** Parts that wait for admission, as far as a tick has seen them. */
export class AdmissionQueue {
  readonly #parts = new Map<string, WaitingPart>();
  /** Those too that are about to join it. */
  readonly #entries = new Map<string, Entry>();

  add(part: WaitingPart): void {
    this.#parts.set(nameOf(part), part);
    this.announce(part);
  }

  /** The part was rejected for the token limit: others' positions count it before it joins the queue itself. */
  announce(part: Entry): void {
    this.#entries.set(nameOf(part), part);
  }

  get length(): number {
    return this.#parts.size;
  }

  /** Oldest job first, then by number. */
  inOrder(): WaitingPart[] {
    return [...this.#parts.values()].sort(byAge);
  }

  /** From 1: the position that the part has, or would have, among those of its model. */
  positionOf(part: Entry): number {
    let before = 0;
    for (const other of this.#entries.values())
      if (other.model === part.model && byAge(other, part) < 0) before += 1;
    return before + 1;
  }
}

/** Which of two parts comes first; the id of the job decides between two of the same millisecond. */
function byAge(a: Entry, b: Entry): number {
  if (a.jobCreatedAt !== b.jobCreatedAt) return a.jobCreatedAt - b.jobCreatedAt;
  if (a.jobId !== b.jobId) return a.jobId < b.jobId ? -1 : 1;
  return a.number - b.number;
}
