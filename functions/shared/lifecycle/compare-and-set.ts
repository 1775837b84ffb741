/**
 * Changes jobs and parts by compare-and-set on the item in hand: the item that this invocation last wrote or read
 * consistently. The item is read again only after a conflict, or before `change` concludes that there is nothing to
 * change. Jobs and parts share this code; `ItemKind` contains the differences.
 */
import { RetryableError } from '../domain/errors.ts';
import { isOver, type Job } from '../domain/job.ts';
import { jobDueAt, partDueAt } from '../domain/next-step.ts';
import type { Part, PartRef } from '../domain/part.ts';
import { without } from '../domain/without.ts';
import type { Ledger, Ports } from '../ports/ports.ts';

/** The version of an item in hand that its first change creates, unless another invocation creates it earlier. */
export const NOT_STORED = 0;

const MAX_CONFLICTS = 25; // there are never more than a dozen concurrent writers

type LedgerAndClock = Pick<Ports, 'ledger' | 'clock'>;

/** Returns the changed item; undefined if there is nothing to change. */
export type Decide<Item> = (item: Item) => Item | undefined;

interface StoredItem {
  version: number;
  dueAt?: number;
}

/** How items of one kind are read, written and named, and when they are due. */
export interface ItemKind<Item extends StoredItem, Ref> {
  read(ledger: Ledger, ref: Ref): Promise<Item | undefined>;
  replace(ledger: Ledger, item: Item): Promise<boolean>;
  withDueAt(item: Item, now: number): Item;
  nameOf(ref: Ref): string;
}

export const PARTS: ItemKind<Part, PartRef> = {
  read: (ledger, ref) => ledger.readPart(ref),
  replace: (ledger, part) => ledger.replacePart(part),
  withDueAt: (part, now) => partWithDueAt(part, partDueAt(part, now)),
  nameOf: ({ jobId, number }) => `part ${jobId}/${number}`,
};

export const JOBS: ItemKind<Job, string> = {
  read: (ledger, jobId) => ledger.readJob(jobId),
  replace: (ledger, job) =>
    job.version === NOT_STORED ? ledger.createJob({ ...job, version: 1 }) : ledger.replaceJob(job),
  withDueAt: (job, now) => jobWithDueAt(job, jobDueAt(job, now)),
  nameOf: (jobId) => `job ${jobId}`,
};

/**
 * Returns the part with `dueAt` set or removed. It also removes the expiry that version 0.1 set on parts of unfinished
 * jobs.
 */
function partWithDueAt(part: Part, dueAt: number | undefined): Part {
  const mayExpire = part.phase === 'delivered' || part.phase === 'planned';
  const { dueAt: _, ...rest } = mayExpire ? part : without(part, 'expiresAt');
  return dueAt === undefined ? rest : { ...rest, dueAt };
}

/** The same for a job. */
function jobWithDueAt(job: Job, dueAt: number | undefined): Job {
  const { dueAt: _, ...rest } = isOver(job) ? job : without(job, 'expiresAt');
  return dueAt === undefined ? rest : { ...rest, dueAt };
}

interface Note<Item> {
  decide: Decide<Item>;
  onStored: () => void;
}

/** An item in hand, and the notes that its next change stores. */
export class InHand<Item extends StoredItem, Ref = unknown> {
  readonly kind: ItemKind<Item, Ref>;
  readonly ref: Ref;
  readonly #deps: LedgerAndClock;
  #stored: Item;
  #noted: Note<Item>[] = [];

  constructor(kind: ItemKind<Item, Ref>, deps: LedgerAndClock, ref: Ref, item: Item) {
    this.kind = kind;
    this.ref = ref;
    this.#deps = deps;
    this.#stored = item;
  }

  /** The item with its notes, as it will be stored. */
  get item(): Item {
    return this.#withNotes(this.#stored);
  }

  /**
   * Notes a change for the next write. Use it only for changes that may be lost if the invocation crashes before that
   * write. `decide` may receive a newer item, and returns undefined if the note does not apply to it. `onStored` runs
   * once the note is stored.
   */
  note(decide: Decide<Item>, onStored: () => void): void {
    this.#noted.push({ decide, onStored });
  }

  /** Stores the notes, if there are any. Errors: those of `change`. */
  async flush(): Promise<void> {
    if (this.#noted.length > 0) await this.change((item) => item);
  }

  /**
   * Stores what `decide` returns, with the notes. Returns false if there was nothing to change. After a conflict,
   * `decide` runs again with the newer item. It must be a pure function, and it must recognise its own change, because
   * a write that seemed to fail may have been stored. `isFresh`: the item has just been read. Errors: RetryableError;
   * ItemGone.
   */
  async change(decide: Decide<Item>, isFresh = false): Promise<boolean> {
    let isNewest = isFresh;
    for (let conflicts = 0; conflicts < MAX_CONFLICTS; ) {
      const wanted = decide(this.item);
      if (wanted) {
        if (await this.#replace(wanted)) return true;
        conflicts += 1;
      } else if (isNewest) return false;
      await this.#readAgain();
      isNewest = true;
    }
    throw new RetryableError(`change ${this.kind.nameOf(this.ref)}: ${MAX_CONFLICTS} conflicts in a row`);
  }

  async #replace(wanted: Item): Promise<boolean> {
    const { ledger, clock } = this.#deps;
    const next = this.kind.withDueAt({ ...wanted, version: this.#stored.version }, clock.now());
    if (!(await this.kind.replace(ledger, next))) return false;
    const stored = this.#noted.filter(({ decide }) => decide(this.#stored) !== undefined);
    this.#stored = { ...next, version: next.version + 1 };
    this.#noted = [];
    for (const { onStored } of stored) onStored();
    return true;
  }

  async #readAgain(): Promise<void> {
    const item = await this.kind.read(this.#deps.ledger, this.ref);
    if (!item) throw new ItemGone(`${this.kind.nameOf(this.ref)} is no longer in the ledger`);
    this.#stored = item;
  }

  #withNotes(item: Item): Item {
    return this.#noted.reduce((known, { decide }) => decide(known) ?? known, item);
  }
}

/** Thrown if an item was removed from the ledger after it was read. */
export class ItemGone extends Error {
  override readonly name = 'ItemGone';
}

/** A part in hand. */
export type PartInHand = InHand<Part, PartRef>;

/** A job in hand. */
export type JobInHand = InHand<Job, string>;

/** Reads a part; returns undefined if there is none. Errors: RetryableError. */
export async function takePart(deps: LedgerAndClock, ref: PartRef): Promise<PartInHand | undefined> {
  const part = await deps.ledger.readPart(ref);
  return part && partInHand(deps, part);
}

/** Returns a part in hand, as stored. This invocation must have written it or read it consistently. */
export function partInHand(deps: LedgerAndClock, part: Part & { stored?: never }): PartInHand {
  const { jobId, planId, number } = part;
  return new InHand(PARTS, deps, { jobId, planId, number }, part);
}

/** Reads a job; returns undefined if there is none. Errors: RetryableError. */
export async function takeJob(deps: LedgerAndClock, jobId: string): Promise<JobInHand | undefined> {
  const job = await deps.ledger.readJob(jobId);
  return job && jobInHand(deps, job);
}

/** Returns a job in hand. This invocation must have written it or read it consistently. */
export function jobInHand(deps: LedgerAndClock, job: Job): JobInHand {
  return new InHand(JOBS, deps, job.jobId, job);
}

/** Reads and changes a part; returns undefined if there is none. Errors: RetryableError; ItemGone. */
export async function changePart(
  deps: LedgerAndClock,
  ref: PartRef,
  decide: Decide<Part>,
): Promise<{ part: Part; changed: boolean } | undefined> {
  const inHand = await takePart(deps, ref);
  if (!inHand) return undefined;
  const changed = await inHand.change(decide, true);
  return { part: inHand.item, changed };
}

/** Reads and changes a job; returns undefined if there is none. Errors: RetryableError; ItemGone. */
export async function changeJob(
  deps: LedgerAndClock,
  jobId: string,
  decide: Decide<Job>,
): Promise<{ job: Job; changed: boolean } | undefined> {
  const inHand = await takeJob(deps, jobId);
  if (!inHand) return undefined;
  const changed = await inHand.change(decide, true);
  return { job: inHand.item, changed };
}
