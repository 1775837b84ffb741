import {
  ADMISSIONS_KEY,
  batchPointerKey,
  CONTROL_KEY,
  CREATES_KEY,
  dueItemAt,
  dueShardOf,
  jobKey,
  keyPointerKey,
  type LedgerKey,
  partKey,
  pastKey,
} from '../../functions/shared/adapters/dynamodb/ledger-keys.ts';
import type { Job } from '../../functions/shared/domain/job.ts';
import type {
  Admissions,
  Control,
  CreateWindow,
  DueItem,
  KeyPointer,
} from '../../functions/shared/domain/ledger-records.ts';
import { dueProjectionOf } from '../../functions/shared/domain/next-step.ts';
import type { Part, PartRef } from '../../functions/shared/domain/part.ts';
import {
  type PastAttempts,
  type WholePart,
  wholePart,
} from '../../functions/shared/domain/spending/past-attempts.ts';
import type { Clock, Ledger, LedgerQueries } from '../../functions/shared/ports/ports.ts';
import { frozenCopy } from './frozen-copy.ts';
import { createInMemoryLedgerQueries } from './in-memory-ledger-queries.ts';

/** A ledger whose state tests can read. */
export interface InMemoryLedger extends Ledger {
  /** The queries of people, without the lag of indexes. */
  queries: LedgerQueries;
  /** Returns when a batch pointer expires; undefined if never. Throws if there is no such pointer. */
  batchPointerExpiry(batchId: string): number | undefined;
  /** Returns all jobs, including expired ones. */
  jobs(): Job[];
  /** Returns all parts of all plans, including expired ones. */
  parts(wanted?: (part: Part) => boolean): Part[];
  /** Returns the same parts, each with all its attempts. */
  wholeParts(): WholePart[];
  /** Returns whether a job or part is due at `before`, without copying any. */
  hasDue(before: number): boolean;
}

/** A table of items that nobody else can change. */
class Shelf<T extends { version: number; expiresAt?: number }> {
  readonly #items = new Map<string, T>();
  readonly #clock: Clock;
  readonly #onWrite: (key: LedgerKey, item: T) => void;

  constructor(clock: Clock, onWrite: (key: LedgerKey, item: T) => void = () => {}) {
    this.#clock = clock;
    this.#onWrite = onWrite;
  }

  read(key: LedgerKey): T | undefined {
    const item = this.#items.get(textOf(key));
    return item === undefined || this.#expired(item) ? undefined : item;
  }

  create(key: LedgerKey, item: T): boolean {
    if (this.read(key) !== undefined) return false;
    this.#write(key, frozenCopy(item));
    return true;
  }

  replace(key: LedgerKey, item: T): boolean {
    if (this.#items.get(textOf(key))?.version !== item.version) return false;
    this.#write(key, frozenCopy({ ...item, version: item.version + 1 }));
    return true;
  }

  /** Creates an item of version 0. */
  put(key: LedgerKey, item: T): boolean {
    return item.version === 0 ? this.create(key, { ...item, version: 1 }) : this.replace(key, item);
  }

  some(wanted: (item: Readonly<T>) => boolean): boolean {
    for (const item of this.#items.values()) if (wanted(item)) return true;
    return false;
  }

  all(wanted: (item: T) => boolean = () => true): T[] {
    return [...this.#items.values()].filter(wanted);
  }

  #write(key: LedgerKey, item: T): void {
    this.#items.set(textOf(key), item);
    this.#onWrite(key, item);
  }

  #expired(item: T): boolean {
    return item.expiresAt !== undefined && item.expiresAt <= this.#clock.now();
  }
}

interface IndexChange {
  at: number;
  dueAt: number | undefined;
  shown: Shown;
}

/** The fields of a part that the index shows. */
type Shown = Pick<Extract<DueItem, { kind: 'part' }>, 'open' | 'waits'>;

/** The index in the state of `lagMs` ago. */
class LaggingIndex {
  readonly #changes = new Map<string, { item: DueItem | undefined; shard: number; changes: IndexChange[] }>();
  readonly #clock: Clock;
  readonly #lagMs: number;

  constructor(clock: Clock, lagMs: number) {
    this.#clock = clock;
    this.#lagMs = lagMs;
  }

  note(key: LedgerKey, dueAt: number | undefined, shown: Shown = {}): void {
    const entry = this.#changes.get(textOf(key)) ?? {
      item: dueItemAt(key),
      shard: dueShardOf(key),
      changes: [],
    };
    entry.changes = entry.changes.slice(this.#visible(entry.changes)); // older changes are never read again
    entry.changes.push({ at: this.#clock.now(), dueAt, shown });
    this.#changes.set(textOf(key), entry);
  }

  due(shard: number, before: number, limit: number): DueItem[] {
    const found: { dueAt: number; item: DueItem }[] = [];
    for (const { item, shard: own, changes } of this.#changes.values()) {
      if (own !== shard) continue;
      const { at, dueAt, shown } = changes[this.#visible(changes)] ?? {};
      if (item === undefined || dueAt === undefined || dueAt > before) continue;
      if ((at ?? Infinity) > this.#clock.now() - this.#lagMs) continue;
      found.push({ dueAt, item: item.kind === 'part' ? { ...item, ...shown } : item });
    }
    found.sort((a, b) => a.dueAt - b.dueAt);
    return found.slice(0, limit).map(({ item }) => item);
  }

  /** Returns the index of the newest change that is old enough to be visible; 0 if there is none. */
  #visible(changes: IndexChange[]): number {
    const seenUntil = this.#clock.now() - this.#lagMs;
    return Math.max(
      0,
      changes.findLastIndex(({ at }) => at <= seenUntil),
    );
  }
}

/** A ledger in memory. Its `due` index shows the state of `dueLagMs` ago. */
export function createInMemoryLedger(options: { clock: Clock; dueLagMs?: number }): InMemoryLedger {
  const { clock } = options;
  const index = new LaggingIndex(clock, options.dueLagMs ?? 0);
  const jobs = new Shelf<Job>(clock, (key, job) => index.note(key, job.dueAt));
  const parts = new Shelf<Part>(clock, (key, part) => index.note(key, part.dueAt, dueProjectionOf(part)));
  const pasts = new Shelf<PastAttempts>(clock);
  const batchPointers = new Map<string, { ref: PartRef; expiresAt: number | undefined }>();
  const earlyEnds = new Map<string, { at: number; expiresAt: number }>();
  const pagesOf = ({ jobId, planId, number }: Part) =>
    pasts.all((past) => past.jobId === jobId && past.planId === planId && past.number === number);
  let lastWebhook: number | undefined;
  const keyPointers = new Shelf<KeyPointer>(clock);
  const controls = new Shelf<Control>(clock);
  const admissions = new Shelf<Admissions>(clock);
  const isExpired = (item: { expiresAt?: number | undefined }) =>
    item.expiresAt !== undefined && item.expiresAt <= clock.now();
  const createWindows = new Shelf<CreateWindow>(clock);
  return {
    readJob: async (jobId) => jobs.read(jobKey(jobId)),
    createJob: async (job) => jobs.create(jobKey(job.jobId), job),
    replaceJob: async (job) => jobs.replace(jobKey(job.jobId), job),
    readPart: async (ref) => parts.read(partKey(ref)),
    createPart: async (part) => parts.create(partKey(part), part),
    replacePart: async (part) => parts.replace(partKey(part), part),
    partsOf: async (jobId, planId) =>
      parts
        .all((part) => part.jobId === jobId && (planId === undefined || part.planId === planId))
        .filter((part) => !isExpired(part))
        .sort((a, b) => (partKey(a).sk < partKey(b).sk ? -1 : 1)),
    readPast: async (ref, page) => pasts.read(pastKey(ref, page)),
    createPast: async (past) => pasts.create(pastKey(past, past.page), past),
    replacePast: async (past) => pasts.replace(pastKey(past, past.page), past),
    async readBatchPointer(batchId) {
      const pointer = batchPointers.get(batchPointerKey(batchId).pk);
      return pointer === undefined || isExpired(pointer) ? undefined : { ...pointer.ref };
    },
    async putBatchPointer(batchId, { jobId, planId, number }, expiresAt?: number) {
      batchPointers.set(batchPointerKey(batchId).pk, { ref: { jobId, planId, number }, expiresAt });
    },
    batchPointerExpiry(batchId) {
      const pointer = batchPointers.get(batchPointerKey(batchId).pk);
      if (!pointer) throw new Error(`no pointer from ${batchId}`);
      return pointer.expiresAt;
    },
    async readEarlyEnd(batchId) {
      const note = earlyEnds.get(batchId);
      return note === undefined || isExpired(note) ? undefined : note.at;
    },
    async noteEarlyEnd(batchId, at, expiresAt) {
      earlyEnds.set(batchId, { at, expiresAt });
    },
    readLastWebhook: async () => lastWebhook,
    async noteWebhook(at) {
      lastWebhook = at;
    },
    readKeyPointer: async (bucket, key) => keyPointers.read(keyPointerKey(bucket, key)),
    replaceKeyPointer: async (pointer) =>
      keyPointers.put(keyPointerKey(pointer.bucket, pointer.key), pointer),
    readControl: async () => controls.read(CONTROL_KEY) ?? { version: 0, paused: false },
    replaceControl: async (control) => controls.put(CONTROL_KEY, control),
    readAdmissions: async () => admissions.read(ADMISSIONS_KEY) ?? { version: 0, admitted: [], measured: {} },
    replaceAdmissions: async (next) => admissions.put(ADMISSIONS_KEY, next),
    readCreateWindow: async () => createWindows.read(CREATES_KEY) ?? { version: 0, minutes: [] },
    replaceCreateWindow: async (next) => createWindows.put(CREATES_KEY, next),
    due: async (shard, before, limit) => index.due(shard, before, limit),
    queries: createInMemoryLedgerQueries({ clock, jobs: () => jobs.all(), parts: () => parts.all() }),
    jobs: () => jobs.all(),
    parts: (wanted) => parts.all(wanted),
    wholeParts: () => parts.all().map((part) => wholePart(part, pagesOf(part))),
    hasDue: (before) => jobs.some(isDue(before)) || parts.some(isDue(before)),
  };
}

function isDue(before: number): (item: { readonly dueAt?: number }) => boolean {
  return ({ dueAt }) => dueAt !== undefined && dueAt <= before;
}

function textOf(key: LedgerKey): string {
  return `${key.pk} ${key.sk}`;
}
