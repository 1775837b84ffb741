import { isDeepStrictEqual } from 'node:util';
import { hasEnded } from '../../../functions/shared/contract/batch-status.ts';
import { isOver, type Job } from '../../../functions/shared/domain/job.ts';
import type { Admissions, DueItem } from '../../../functions/shared/domain/ledger-records.ts';
import type { OutgoingEvent } from '../../../functions/shared/domain/outgoing-event.ts';
import type { Part } from '../../../functions/shared/domain/part.ts';
import { attemptSize } from '../../../functions/shared/domain/part.ts';
import type { Delivered } from '../../../functions/shared/domain/part-results.ts';
import type { Breaker } from '../../../functions/shared/domain/waiting/breaker.ts';
import { areInOneLine } from '../../../functions/shared/domain/waiting/shares.ts';
import { batchStatusChange, jobStatusChange } from '../../../functions/shared/lifecycle/status-events.ts';
import type { Ledger } from '../../../functions/shared/ports/ports.ts';
import type { FaultBook } from '../faults/fault-book.ts';
import type { Chance } from './chance.ts';

const OLDEST_DUE_MS = 3 * 60_000;

/** Everything that was ever written, in order, because a promise may be broken on the way although the end is right. */
export interface LedgerHistory {
  /** Each status that a batch ever had in the ledger, with its revision. */
  statuses: { batchId: string; jobId: string; rev: number; status: string; previous: string | null }[];
  jobStatuses: { jobId: string; rev: number; status: string }[];
  /** How many writes changed an item while its event waited to be published, and which of them changed the event. */
  beforePublication: number;
  changedEvents: string[];
  /** Each moment from which a create could be sent. `cancelled`: a cancel had been recorded on its part. */
  sends: { intentId: string; part: string; cancelled: boolean }[];
  /** Intents that ever had a batch. */
  savedIntents: Set<string>;
  /** Items that were set to expire while their job was unfinished. */
  expiring: string[];
  /** When the first intent of a job was written, by its id: from then on its rows may be sent. */
  begunAt: Map<string, number>;
  /** Files that ever belonged to an intent. */
  fileIds: Set<string>;
  /** When a cancel request was first on a job or part, by its name. */
  cancelRequests: Map<string, number>;
  /** Parts as they were when a cancel request was first on them, by their names. One that had no batch loses its admission. */
  cancelledAs: Map<string, Part>;
  /** When a job was first in the chain of its key, by its id. */
  placedAt: Map<string, number>;
  /** When a batch was first on its part. */
  savedAt: Map<string, number>;
  /** Parts that have or may have an open batch, by their names; and the highest number of them at any time. */
  open: Set<string>;
  mostOpen: number;
  /** Parts that wait for admission now, by their names. */
  waiting: Map<string, Part>;
  /** How often a part began to wait for storage, and which of those parts had already uploaded their file. */
  storageWaits: number;
  stoppedByStorage: string[];
  /** Every breaker that was ever open. */
  openBreakers: Breaker[];
  /** The breakers after each change, open or not. */
  breakers: { at: number; are: readonly Breaker[] }[];
  /** Parts that were admitted, as they had waited until then, with the older parts of their model that still waited. */
  admit: { part: Part; at: number; waited: Part; older: Part[] }[];
  /** Every wait for admission, in the order of their ends. `bytes`: what the admission allowed to send; absent: none came. */
  waits: { part: Part; from: number; until: number; bytes?: number }[];
}

export function nameOf(item: { jobId: string; planId?: string; number?: number }): string {
  return item.planId === undefined ? item.jobId : `${item.jobId}/${item.planId}/${item.number}`;
}

/** Returns a ledger with conflicts and a stale `due` index, which records every write. */
export function watchedLedger(
  ledger: Ledger,
  deps: {
    now(): number;
    chance: Chance;
    faults: FaultBook;
    onPlanning(jobId: string, planId: string): void;
    /** Called when a part has just become delivered. */
    onDelivered(part: Part, delivered: Delivered): Promise<void>;
    /** Called when parts have just been admitted, before they know it. */
    onAdmissions(admissions: Admissions): Promise<void>;
  },
): { ledger: Ledger; history: LedgerHistory } {
  const history = emptyHistory();
  const conflicts = (item: Job | Part) =>
    deps.faults.occurs('ledger conflict', `${nameOf(item)} v${item.version} ${deps.now()}`);
  const last = new Map<number, { at: number; items: DueItem[] }>();
  return {
    history,
    ledger: {
      ...ledger,
      async createPart(part) {
        deps.onPlanning(part.jobId, part.planId);
        await noteExpiry(history, ledger, part);
        if (!(await ledger.createPart(part))) return false;
        noteCapacity(history, part, deps.now());
        return true;
      },
      async replaceJob(job) {
        if (conflicts(job)) return false;
        const before = await ledger.readJob(job.jobId);
        if (!(await ledger.replaceJob(job))) return false;
        noteJob(history, job, deps.now());
        noteEvent(history, before, job, eventOfJob);
        return true;
      },
      async replaceControl(control) {
        if (!(await ledger.replaceControl(control))) return false;
        noteBreakers(history, control.breakers ?? [], deps.now());
        return true;
      },
      async replaceAdmissions(admissions) {
        if (!(await ledger.replaceAdmissions(admissions))) return false;
        await deps.onAdmissions(admissions);
        return true;
      },
      async replaceKeyPointer(pointer) {
        if (!(await ledger.replaceKeyPointer(pointer))) return false;
        if (pointer.newest) notePlace(history, pointer.newest.jobId, deps.now());
        return true;
      },
      async replacePart(part) {
        if (conflicts(part)) return false;
        const before = await ledger.readPart(part);
        if (!(await ledger.replacePart(part))) return false;
        await noteExpiry(history, ledger, part);
        notePart(history, part, before, deps.now());
        noteEvent(history, before, part, eventOfPart);
        noteCapacity(history, part, deps.now());
        if (part.delivered && !before?.delivered) await deps.onDelivered(part, part.delivered);
        return true;
      },
      async partsOf(jobId, planId) {
        const parts = await ledger.partsOf(jobId, planId);
        // Hides a part as if it had been removed. A backup brings it back.
        const isMissing =
          parts.length > 1 && deps.faults.occurs('parts missing from the ledger', `${jobId} ${deps.now()}`);
        return isMissing && planId !== undefined ? parts.slice(0, -1) : parts;
      },
      async replacePast(past) {
        await noteExpiry(history, ledger, past);
        return ledger.replacePast(past);
      },
      async putBatchPointer(batchId, ref, expiresAt) {
        await noteExpiry(history, ledger, { ...ref, ...(expiresAt === undefined ? {} : { expiresAt }) });
        return ledger.putBatchPointer(batchId, ref, expiresAt);
      },
      async due(shard, before, limit) {
        const items = await ledger.due(shard, before, limit);
        const old = last.get(shard);
        last.set(shard, { at: deps.now(), items });
        if (!old || deps.now() - old.at > OLDEST_DUE_MS) return items;
        if (JSON.stringify(old.items) === JSON.stringify(items)) return items;
        return deps.faults.occurs('due index stale', `shard ${shard} ${before}`) ? old.items : items;
      },
    },
  };
}

async function noteExpiry(
  { expiring }: LedgerHistory,
  ledger: Ledger,
  item: { jobId: string; planId: string; number: number; expiresAt?: number },
): Promise<void> {
  if (item.expiresAt === undefined) return;
  const job = await ledger.readJob(item.jobId);
  if (job && !isOver(job)) expiring.push(nameOf(item));
}

function emptyHistory(): LedgerHistory {
  return {
    statuses: [],
    jobStatuses: [],
    beforePublication: 0,
    changedEvents: [],
    sends: [],
    savedIntents: new Set(),
    expiring: [],
    begunAt: new Map(),
    fileIds: new Set(),
    cancelRequests: new Map(),
    cancelledAs: new Map(),
    placedAt: new Map(),
    savedAt: new Map(),
    open: new Set(),
    mostOpen: 0,
    waiting: new Map(),
    storageWaits: 0,
    stoppedByStorage: [],
    openBreakers: [],
    breakers: [],
    admit: [],
    waits: [],
  };
}

function noteBreakers({ openBreakers, breakers }: LedgerHistory, are: readonly Breaker[], at: number): void {
  openBreakers.push(...are.filter(({ open }) => open));
  if (are.length > 0 || (breakers.at(-1)?.are.length ?? 0) > 0) breakers.push({ at, are });
}

function notePlace({ placedAt }: LedgerHistory, jobId: string, now: number): void {
  if (!placedAt.has(jobId)) placedAt.set(jobId, now);
}

function noteJob(history: LedgerHistory, job: Job, now: number): void {
  const { jobId, rev, status, previousJobId } = job;
  if (job.expiresAt !== undefined && !isOver(job)) history.expiring.push(jobId);
  if (previousJobId !== undefined) notePlace(history, previousJobId, now);
  if (history.jobStatuses.findLast((known) => known.jobId === jobId)?.rev !== rev && rev > 0)
    history.jobStatuses.push({ jobId, rev, status });
  if (job.cancelRequestedAt === undefined || history.cancelRequests.has(jobId)) return;
  history.cancelRequests.set(jobId, now);
}

/** Notes whether a write left the event as it is, if the item has one that was not published before the write. */
function noteEvent<Item extends { rev: number; publishedRev: number }>(
  history: LedgerHistory,
  before: Item | undefined,
  item: Item,
  eventOf: (item: Item) => OutgoingEvent | undefined,
): void {
  if (before === undefined || before.publishedRev >= before.rev) return;
  const event = eventOf(before);
  if (event === undefined || item.rev !== before.rev) return;
  history.beforePublication += 1;
  if (!isDeepStrictEqual(eventOf(item), event)) history.changedEvents.push(event.detail.metadata.id);
}

const eventOfJob = (job: Job) => jobStatusChange(job, { instance: '', resultsBucket: '' });
const eventOfPart = (part: Part) => part.batch && batchStatusChange(part, part.batch, '');

function notePart(history: LedgerHistory, part: Part, before: Part | undefined, now: number): void {
  const { intent, batch } = part;
  if (part.cancelRequestedAt !== undefined && !history.cancelRequests.has(nameOf(part))) {
    history.cancelRequests.set(nameOf(part), now);
    history.cancelledAs.set(nameOf(part), part);
  }
  if (intent && !history.begunAt.has(part.jobId)) history.begunAt.set(part.jobId, now);
  if (intent?.fileId !== undefined) history.fileIds.add(intent.fileId);
  if (intent?.sendBy !== undefined && before?.intent?.sendBy === undefined) {
    const cancelled = before?.cancelRequestedAt !== undefined;
    history.sends.push({ intentId: intent.id, part: nameOf(part), cancelled });
  }
  if (part.phase === 'waiting' && before?.phase !== 'waiting' && part.waiting.for === 'storage') {
    history.storageWaits += 1;
    if (intent) history.stoppedByStorage.push(nameOf(part));
  }
  if (!batch) return;
  if (intent) history.savedIntents.add(intent.id);
  if (!history.savedAt.has(batch.batchId)) history.savedAt.set(batch.batchId, now);
  if (before?.batch?.batchId === batch.batchId && before.batch.status === batch.status) return;
  const previous = before?.batch?.batchId === batch.batchId ? before.batch.status : null;
  const { batchId, status } = batch;
  history.statuses.push({ batchId, jobId: part.jobId, rev: part.rev, status, previous });
}

function noteCapacity(history: LedgerHistory, part: Part, now: number): void {
  const { open, waiting, admit, waits } = history;
  const name = nameOf(part);
  // If the API itself refused a create, there is no batch.
  const maySend = part.intent?.sendBy !== undefined && !part.intent.refused;
  const isOpen = part.batch ? !hasEnded(part.batch.status) : maySend;
  const mayHaveBatch = isOpen && !part.ended;
  if (mayHaveBatch) open.add(name);
  else open.delete(name);
  history.mostOpen = Math.max(history.mostOpen, open.size);
  const waited = waiting.get(name);
  waiting.delete(name);
  const isWaiting = part.waiting && part.phase !== 'planned' && part.cancelRequestedAt === undefined;
  if (isWaiting) waiting.set(name, part);
  // Not by a cancel, which leaves an earlier admission as it is.
  const isAdmitted = waited && !isWaiting && part.admission && part.admission.at !== waited.admission?.at;
  if (waited?.waiting && waited.waiting.since !== part.waiting?.since) {
    const { uploadBytes } = attemptSize(waited);
    const bytes = Math.min(uploadBytes, part.admission?.atMost?.uploadBytes ?? uploadBytes);
    const until = isAdmitted ? (part.admission?.at ?? now) : now;
    waits.push({ part: waited, from: waited.waiting.since, until, ...(isAdmitted ? { bytes } : {}) });
  }
  if (isAdmitted && part.admission) {
    const isOlder = (other: Part) =>
      other.model === part.model &&
      areInOneLine(other, part) &&
      (other.jobCreatedAt < part.jobCreatedAt || (other.jobId === part.jobId && other.number < part.number));
    admit.push({ part, at: part.admission.at, waited, older: [...waiting.values()].filter(isOlder) });
  }
}
