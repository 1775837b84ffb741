import { attemptSize, type Part, type PartRef, type Waiting } from './part.ts';

/** What of a part decides when its turn is. */
export interface WaitingPart extends PartRef {
  jobCreatedAt: number;
  model: string;
  /** Of the attempt that is to begin. */
  uploadBytes: number;
  waiting: Waiting;
}

/** The part as it stands in the line, if it waits for capacity. */
export function waitingPartOf(part: Part): WaitingPart | undefined {
  const { jobId, planId, number, jobCreatedAt, model, waiting } = part;
  if (!waiting) return undefined;
  const { uploadBytes } = attemptSize(part);
  return { jobId, planId, number, jobCreatedAt, model, uploadBytes, waiting };
}

/**
 * The part as it stands in the line, if waiting for capacity is all there is to do with it. Anything else, such as a wish to
 * cancel, is decided on the part itself.
 */
export function onlyWaitsForAdmission(part: Part): WaitingPart | undefined {
  if (!part.active || part.cancelRequestedAt !== undefined || part.lease) return undefined;
  if (part.rev > part.publishedRev || part.delivered || part.ended) return undefined;
  return waitingPartOf(part);
}

/** A name for a part, the same wherever it turns up. */
export function nameOf({ jobId, planId, number }: PartRef): string {
  return `${jobId}/${planId}/${number}`;
}

/** What a place in the line follows from. */
type Target = Pick<WaitingPart, 'jobId' | 'planId' | 'number' | 'jobCreatedAt' | 'model'>;

/** Parts that wait for capacity, as far as a tick has seen them. */
export class AdmissionQueue {
  readonly #parts = new Map<string, WaitingPart>();
  /** Those too that are about to stand in it. */
  readonly #places = new Map<string, Target>();

  add(part: WaitingPart): void {
    this.#parts.set(nameOf(part), part);
    this.announce(part);
  }

  /** The part was rejected for the token limit: others' places count it, before it stands here itself. */
  announce(part: Target): void {
    this.#places.set(nameOf(part), part);
  }

  get length(): number {
    return this.#parts.size;
  }

  /** Oldest job first, then by number. */
  inOrder(): WaitingPart[] {
    return [...this.#parts.values()].sort(byAge);
  }

  /** From 1: the place that the part has, or would have, among those of its model. */
  positionOf(part: Target): number {
    let before = 0;
    for (const other of this.#places.values())
      if (other.model === part.model && byAge(other, part) < 0) before += 1;
    return before + 1;
  }
}

/** Which of two parts comes first; the id of the job decides between two of the same millisecond. */
function byAge(a: Target, b: Target): number {
  if (a.jobCreatedAt !== b.jobCreatedAt) return a.jobCreatedAt - b.jobCreatedAt;
  if (a.jobId !== b.jobId) return a.jobId < b.jobId ? -1 : 1;
  return a.number - b.number;
}
