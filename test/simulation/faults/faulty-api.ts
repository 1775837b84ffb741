import { hasEnded } from '../../../functions/shared/contract/batch-status.ts';
import { NotAllowed, RetryableError, TerminalError } from '../../../functions/shared/domain/errors.ts';
import type { ObservedBatch } from '../../../functions/shared/domain/part.ts';
import type { BatchApi, BatchPage } from '../../../functions/shared/ports/ports.ts';
import type { InMemoryBatchApi } from '../../fakes/in-memory-batch-api.ts';
import type { Chance } from '../world/chance.ts';
import type { FaultBook } from './fault-book.ts';

/** How the API is just now. */
export interface ApiMood {
  now(): number;
  keyRefused(): boolean;
  /** A batch shows in the list only this long after its creation. */
  listLagMs: number;
  /** Where the list may be capped: its largest page, whatever is asked for. */
  pageCap: number;
  /** The list lags without being asked to. */
  lagAlways?: boolean;
  /** A batch was made. */
  created(batch: ObservedBatch): void;
}

const SOON_MS = 90_000; // a batch may be unknown so long after its creation

/** The Batch API in memory with the odd answers of the real one. */
export class FaultyApi implements BatchApi {
  readonly #api: InMemoryBatchApi;
  readonly #mood: ApiMood;
  readonly #chance: Chance;
  readonly #faults: FaultBook;
  readonly #createdAt = new Map<string, number>();
  /** Each batch as it is reported, and as it was with the status before. */
  readonly #earlier = new Map<string, { now: ObservedBatch; before: ObservedBatch }>();
  #calls = 0;
  /** Files that the API lost. */
  readonly lost = new Set<string>();
  /** Batches that the API knows no more, though it ran them. */
  readonly forgotten = new Set<string>();
  /** Cancels that came when the batch had ended, or was forgotten. */
  readonly tooLate = new Set<string>();

  constructor(api: InMemoryBatchApi, mood: ApiMood, chance: Chance, faults: FaultBook) {
    this.#api = api;
    this.#mood = mood;
    this.#chance = chance;
    this.#faults = faults;
  }

  async uploadFile(...args: Parameters<BatchApi['uploadFile']>): ReturnType<BatchApi['uploadFile']> {
    this.#checkKey('upload');
    return this.#api.uploadFile(...args);
  }

  async createBatch(...args: Parameters<BatchApi['createBatch']>): Promise<ObservedBatch> {
    this.#checkKey('create');
    const batch = await this.#api.createBatch(...args);
    this.#createdAt.set(batch.batchId, this.#mood.now());
    this.#mood.created(batch);
    return this.#reported(batch);
  }

  async retrieveBatch(batchId: string): Promise<ObservedBatch> {
    this.#checkKey('retrieve');
    if (this.#forgets(batchId) || this.#hides(batchId, 'retrieve'))
      throw new TerminalError('not_found', `retrieve ${batchId}: HTTP 404 not_found`);
    return this.#reported(await this.#api.retrieveBatch(batchId));
  }

  async cancelBatch(batchId: string): Promise<ObservedBatch | 'too_late' | 'unknown'> {
    this.#checkKey('cancel');
    if (this.forgotten.has(batchId)) this.tooLate.add(batchId);
    if (this.forgotten.has(batchId) || this.#hides(batchId, 'cancel')) return 'unknown';
    const answer = await this.#api.cancelBatch(batchId);
    if (answer === 'too_late') this.tooLate.add(batchId);
    return typeof answer === 'string' ? answer : this.#reported(answer);
  }

  /** Lagging, in small pages, or not to be believed. */
  async listBatches(query: { after?: string; limit: number }): Promise<BatchPage> {
    this.#checkKey('list');
    const where = this.#next('list');
    if (this.#faults.strikes('list malformed', where)) {
      if (this.#chance.of(`how ${where}`) < 0.6)
        throw new RetryableError('list batches: not what a list looks like');
      return { ...(await this.#api.listBatches({ limit: 1 })), hasMore: true }; // it never moves on
    }
    const { listLagMs, pageCap } = this.#mood;
    const all = await this.#api.listBatches({ limit: 100 });
    const shown = all.batches.filter(
      ({ batchId }) => !this.forgotten.has(batchId) && !this.#isYoung(batchId, listLagMs),
    );
    const from =
      query.after === undefined ? 0 : shown.findIndex(({ batchId }) => batchId === query.after) + 1;
    if (query.after !== undefined && from === 0) throw new RetryableError('list batches: HTTP 400');
    const capped = shown.length - from > pageCap && this.#faults.strikes('list capped', 'the list');
    const size = capped ? pageCap : query.limit;
    const page = shown.slice(from, from + size);
    const hasMore = from + size < shown.length;
    return { batches: page.map((batch) => this.#listed(batch)), hasMore, account: all.account };
  }

  async fileBytes(fileId: string): Promise<number> {
    this.#checkKey('file');
    const where = this.#next(`file ${fileId}`);
    if (this.#faults.strikes('content gone (404)', where)) {
      if ((await this.#api.deleteFile(fileId)).was === 'deleted') this.lost.add(fileId);
    }
    return this.#api.fileBytes(fileId);
  }

  async *readFile(fileId: string): AsyncGenerator<Uint8Array> {
    this.#checkKey('content');
    const where = this.#next(`content ${fileId}`);
    const fault = this.#faults.oneOf(['content truncated', 'content 502'], where);
    for await (const piece of this.#api.readFile(fileId)) {
      if (fault === undefined) {
        yield piece;
        continue;
      }
      yield piece.slice(0, Math.floor(piece.length * this.#chance.of(`cut ${where}`)));
      if (fault === 'content 502') throw new RetryableError(`content ${fileId}: HTTP 502`);
      return;
    }
  }

  async deleteFile(fileId: string): ReturnType<BatchApi['deleteFile']> {
    this.#checkKey('delete');
    return this.#api.deleteFile(fileId);
  }

  #checkKey(tried: string): void {
    if (this.#mood.keyRefused()) throw new NotAllowed(`${tried}: HTTP 401: the key was refused`);
  }

  /** A name for the next call of its kind, to tell its chances from others'. */
  #next(what: string): string {
    this.#calls += 1;
    return `${what} ${this.#calls}`;
  }

  #isYoung(batchId: string, ageMs: number): boolean {
    if (this.#mood.now() - (this.#createdAt.get(batchId) ?? 0) >= ageMs) return false;
    return this.#mood.lagAlways || this.#faults.strikes('list lags', batchId);
  }

  #forgets(batchId: string): boolean {
    if (!this.forgotten.has(batchId) && this.#faults.strikes('batch forgotten by the API', batchId))
      this.forgotten.add(batchId);
    return this.forgotten.has(batchId);
  }

  #hides(batchId: string, call: string): boolean {
    if (this.#mood.now() - (this.#createdAt.get(batchId) ?? 0) >= SOON_MS) return false;
    return this.#faults.strikes('not found just after create', this.#next(`${call} ${batchId}`));
  }

  /** A list may be behind what a retrieve has shown. */
  #listed(batch: ObservedBatch): ObservedBatch {
    const { before } = this.#noted(batch);
    const where = this.#next(`listed ${batch.batchId}`);
    const isOld = before.status !== batch.status && this.#faults.strikes('list shows an older status', where);
    return isOld ? before : this.#reported(batch);
  }

  #noted(batch: ObservedBatch): { now: ObservedBatch; before: ObservedBatch } {
    const known = this.#earlier.get(batch.batchId) ?? { now: batch, before: batch };
    const noted = known.now.status === batch.status ? known : { now: batch, before: known.now };
    this.#earlier.set(batch.batchId, noted);
    return noted;
  }

  /** Vendors leave out what OpenAI sends; null and "" are absent by the time core sees them. */
  #reported(batch: ObservedBatch): ObservedBatch {
    this.#noted(batch);
    const where = this.#next(`fields ${batch.batchId} ${batch.status}`);
    if (!this.#faults.strikes('fields missing', where)) return batch;
    const { counts, usage, endedAt, expiresAt, ...rest } = batch;
    return { ...rest, metadata: {}, ...(hasEnded(batch.status) && endedAt !== undefined ? { endedAt } : {}) };
  }
}
