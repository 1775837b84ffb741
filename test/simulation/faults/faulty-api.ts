import { hasEnded } from '../../../functions/shared/contract/batch-status.ts';
import {
  Ambiguous,
  NotAllowed,
  RetryableError,
  TerminalError,
} from '../../../functions/shared/domain/errors.ts';
import type { ObservedBatch } from '../../../functions/shared/domain/part.ts';
import type { BatchApi, BatchPage } from '../../../functions/shared/ports/ports.ts';
import { batchPage } from '../../fakes/batch-page.ts';
import type { InMemoryBatchApi } from '../../fakes/in-memory-batch-api.ts';
import type { Chance } from '../world/chance.ts';
import type { FaultBook } from './fault-book.ts';
import { answeredByGateway, pageWithOddEntries } from './odd-answers.ts';

/** The present behaviour of the API. */
export interface ApiState {
  now(): number;
  keyRefused(): boolean;
  createsVanish(): boolean;
  /** Throws while this operation is refused, whatever its subject. */
  checkTroubles(operation: string): void;
  /** Resolves after this time. */
  wait(ms: number): Promise<void>;
  /** How long a new batch may be missing from the list. */
  listLagMs: number;
  /** The largest page of a capped list, whatever limit was requested. */
  pageCap: number;
  /** If set, every new batch is missing for that time, not only if the fault occurs. */
  lagAlways?: boolean;
  /** Called when a batch has been created. */
  created(batch: ObservedBatch): void;
}

const MINUTE = 60_000;
/** The adapter's deadlines. */
const CUT_AFTER_MS = 10_000;
const CREATE_CUT_AFTER_MS = 60_000;
const MAX_INVISIBLE_MS = 10 * MINUTE;
const SOON_MS = 90_000; // for this long after its creation, a retrieve may not find a batch

/** The in-memory Batch API, with odd responses that real APIs give. */
export class FaultyApi implements BatchApi {
  readonly #api: InMemoryBatchApi;
  readonly #state: ApiState;
  readonly #chance: Chance;
  readonly #faults: FaultBook;
  readonly #createdAt = new Map<string, number>();
  /** Each batch in its present state, and in the state with its previous status. */
  readonly #earlier = new Map<string, { now: ObservedBatch; before: ObservedBatch }>();
  #calls = 0;
  #admitted = 0;
  /** Files that the API has lost. */
  readonly lost = new Set<string>();
  /** Batches whose results become right only after Batchdrop has stopped waiting for them. */
  readonly lateForDays = new Set<string>();
  /** When the results of ended batches become right, by batch and by file. */
  readonly #lateBatches = new Map<string, Lateness>();
  readonly #late = new Map<string, Lateness>();
  /** Batches that the API no longer knows, although it ran them. */
  readonly forgotten = new Set<string>();
  /** Batches whose create was duplicated on its way. Each of a pair maps to the other one. */
  readonly duplicated = new Map<string, string>();
  /** Batches that had ended, or were forgotten, when a cancel arrived. */
  readonly tooLate = new Set<string>();
  readonly #uploadedAt = new Map<string, number>();
  /** Whether each page has odd entries of others, also after the faults, because a shared account keeps them. */
  readonly #isListOdd: boolean;

  constructor(api: InMemoryBatchApi, state: ApiState, chance: Chance, faults: FaultBook) {
    this.#api = api;
    this.#state = state;
    this.#chance = chance;
    this.#faults = faults;
    this.#isListOdd = faults.occurs('odd entries on the list', 'the list');
  }

  async uploadFile(...args: Parameters<BatchApi['uploadFile']>): ReturnType<BatchApi['uploadFile']> {
    await this.#admit('upload');
    const uploaded = await this.#api.uploadFile(...args);
    this.#uploadedAt.set(uploaded.fileId, this.#state.now());
    return uploaded;
  }

  async createBatch(...args: Parameters<BatchApi['createBatch']>): Promise<ObservedBatch> {
    const [asked] = args;
    await this.#admit('create', asked.metadata.batchdrop_intent);
    this.#checkVisible(asked.inputFileId);
    if (this.#state.createsVanish()) throw new Ambiguous('create batch: no answer came');
    const batch = await this.#api.createBatch(...args);
    this.#createdAt.set(batch.batchId, this.#state.now());
    const { batchdrop_intent: intent } = batch.metadata;
    if (this.#faults.occurs('create duplicated', `${intent}`)) {
      const second = await this.#api.createBatch(...args);
      this.#createdAt.set(second.batchId, this.#state.now());
      this.duplicated.set(batch.batchId, second.batchId).set(second.batchId, batch.batchId);
    }
    this.#state.created(batch);
    if (this.#faults.occurs('create accepted, answered 429', `${intent} ${batch.batchId}`))
      throw new RetryableError('create batch: HTTP 429', { afterSeconds: 60 });
    if (this.#faults.occurs('create answered by a gateway', `${intent} ${batch.batchId}`))
      throw answeredByGateway(this.#chance, batch.batchId);
    return this.#reported(batch);
  }

  async retrieveBatch(batchId: string): Promise<ObservedBatch> {
    await this.#admit('retrieve', batchId);
    if (this.#forgets(batchId) || this.#hides(batchId, 'retrieve'))
      throw new TerminalError('not_found', `retrieve ${batchId}: HTTP 404 not_found`);
    return this.#reported(await this.#api.retrieveBatch(batchId));
  }

  async cancelBatch(batchId: string): Promise<ObservedBatch | 'too_late' | 'unknown'> {
    await this.#admit('cancel', batchId);
    if (this.forgotten.has(batchId)) this.tooLate.add(batchId);
    if (this.forgotten.has(batchId) || this.#hides(batchId, 'cancel')) return 'unknown';
    const response = await this.#api.cancelBatch(batchId);
    if (response === 'too_late') this.tooLate.add(batchId);
    return typeof response === 'string' ? response : this.#reported(response);
  }

  /** The list may lag, come in small pages, or be malformed. */
  async listBatches(query: { after?: string; limit: number }): Promise<BatchPage> {
    await this.#admit('list');
    const where = this.#next('list');
    if (this.#faults.occurs('list malformed', where)) {
      if (this.#chance.of(`how ${where}`) < 0.6) throw new RetryableError('list batches: malformed');
      const { batches, account } = await this.#api.listBatches({ limit: 1 });
      return batchPage(batches, true, account); // a request for more returns the same page
    }
    const { listLagMs, pageCap } = this.#state;
    const all = await this.#api.listBatches({ limit: 100 });
    const shown = all.batches.filter(
      ({ batchId }) => !this.forgotten.has(batchId) && !this.#isYoung(batchId, listLagMs),
    );
    const from =
      query.after === undefined ? 0 : shown.findIndex(({ batchId }) => batchId === query.after) + 1;
    if (query.after !== undefined && from === 0) throw new RetryableError('list batches: HTTP 400');
    const capped = shown.length - from > pageCap && this.#faults.occurs('list capped', 'the list');
    const size = capped ? pageCap : query.limit;
    const page = shown.slice(from, from + size);
    const hasMore = from + size < shown.length;
    const listed = batchPage(
      page.map((batch) => this.#listed(batch)),
      hasMore,
      all.account,
    );
    if (!this.#isListOdd) return listed;
    return pageWithOddEntries(listed, query, this.#chance, where);
  }

  async fileBytes(fileId: string): Promise<number | undefined> {
    await this.#admit('file', fileId);
    return this.#api.fileBytes(fileId);
  }

  async *readFile(fileId: string): AsyncGenerator<Uint8Array> {
    await this.#admit('content', fileId);
    const where = this.#next(`content ${fileId}`);
    if (this.#faults.occurs('content gone (404)', where)) {
      if ((await this.#api.deleteFile(fileId)).was === 'deleted') this.lost.add(fileId);
    }
    const late = this.#late.get(fileId);
    if (late && this.#state.now() < late.until) {
      yield* lateContent(late.as, fileId, this.#api.readFile(fileId));
      return;
    }
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
    await this.#admit('delete', fileId);
    return this.#api.deleteFile(fileId);
  }

  /** Some calls never get a response, and the adapter cuts them. Others are refused temporarily. */
  async #admit(tried: string, subject = ''): Promise<void> {
    this.#admitted += 1; // a separate counter, so that the names of the other draws do not change
    const where = `${tried} ${subject} ${this.#admitted}`;
    const hangs =
      this.#faults.occurs('call hangs', where) ||
      (subject !== '' && this.#faults.occurs('calls about one thing hang', subject));
    if (hangs) await this.#cut(tried);
    this.#state.checkTroubles(tried);
    if (this.#state.keyRefused()) throw new NotAllowed(`${tried}: HTTP 401: the key was refused`);
  }

  async #cut(tried: string): Promise<never> {
    await this.#state.wait(tried === 'create' ? CREATE_CUT_AFTER_MS : CUT_AFTER_MS);
    const message = `${tried}: no answer within the deadline`;
    throw tried === 'create'
      ? new Ambiguous(message)
      : new RetryableError(message, { waitsFor: 'unreachable' });
  }

  #checkVisible(fileId: string): void {
    if (!this.#faults.occurs('uploaded file not visible yet', fileId)) return;
    const age = this.#state.now() - (this.#uploadedAt.get(fileId) ?? 0);
    if (age >= this.#chance.between(`visible ${fileId}`, 1000, MAX_INVISIBLE_MS)) return;
    const said = `Cannot find file ${fileId}, or project p does not have access to it.`;
    throw new RetryableError(`create batch: HTTP 400: ${said}`, { waitsFor: 'not_visible', said });
  }

  /** Returns a name for the next call of its kind, so that it has its own draws. */
  #next(what: string): string {
    this.#calls += 1;
    return `${what} ${this.#calls}`;
  }

  #isYoung(batchId: string, ageMs: number): boolean {
    if (this.#state.now() - (this.#createdAt.get(batchId) ?? 0) >= ageMs) return false;
    return this.#state.lagAlways || this.#faults.occurs('list lags', batchId);
  }

  #forgets(batchId: string): boolean {
    if (!this.forgotten.has(batchId) && this.#faults.occurs('batch forgotten by the API', batchId))
      this.forgotten.add(batchId);
    return this.forgotten.has(batchId);
  }

  #hides(batchId: string, call: string): boolean {
    if (this.#state.now() - (this.#createdAt.get(batchId) ?? 0) >= SOON_MS) return false;
    return this.#faults.occurs('not found just after create', this.#next(`${call} ${batchId}`));
  }

  /** The list may show an older status than a retrieve has shown. */
  #listed(batch: ObservedBatch): ObservedBatch {
    const { before } = this.#noted(batch);
    const where = this.#next(`listed ${batch.batchId}`);
    const isOld = before.status !== batch.status && this.#faults.occurs('list shows an older status', where);
    return isOld ? before : this.#reported(batch);
  }

  #noted(batch: ObservedBatch): { now: ObservedBatch; before: ObservedBatch } {
    const known = this.#earlier.get(batch.batchId) ?? { now: batch, before: batch };
    const noted = known.now.status === batch.status ? known : { now: batch, before: known.now };
    this.#earlier.set(batch.batchId, noted);
    return noted;
  }

  /**
   * Other vendors omit fields that OpenAI sends; the adapter drops null and "". A gateway shows another file id, so
   * only the metadata shows whose batch it is.
   */
  #reported(given: ObservedBatch): ObservedBatch {
    const batch = this.#withLateResults(given);
    this.#noted(batch);
    const where = this.#next(`fields ${batch.batchId} ${batch.status}`);
    if (this.#faults.occurs('another input file id', 'the gateway'))
      return { ...batch, inputFileId: `${batch.inputFileId}-of-the-gateway` };
    if (!this.#faults.occurs('fields missing', where)) return batch;
    if ((this.#lateBatches.get(batch.batchId)?.until ?? 0) > 0) return batch; // results without counts are believed once they stay the same
    const { counts, usage, endedAt, expiresAt, ...rest } = batch;
    return { ...rest, metadata: {}, ...(hasEnded(batch.status) && endedAt !== undefined ? { endedAt } : {}) };
  }

  /** For some time after its end, a batch may not name its files, or the files may be missing or wrong. */
  #withLateResults(batch: ObservedBatch): ObservedBatch {
    const { batchId, outputFileId, errorFileId, ...rest } = batch;
    const files = [outputFileId, errorFileId].filter((fileId) => fileId !== undefined);
    if (!hasEnded(batch.status) || files.length === 0) return batch;
    const known = this.#lateBatches.get(batchId) ?? this.#lateness(batchId);
    this.#lateBatches.set(batchId, known);
    for (const fileId of files) this.#late.set(fileId, known);
    const isUnnamed = known.as === 'unnamed' && this.#state.now() < known.until;
    return isUnnamed ? { batchId, ...rest } : batch;
  }

  #lateness(batchId: string): Lateness {
    if (!this.#faults.occurs('results late', batchId)) return { as: 'unnamed', until: 0 };
    const minutes = this.#chance.pick(`how late ${batchId}`, LATE_MINUTES) ?? 1;
    const as = this.#chance.pick(`late as ${batchId}`, LATE_AS) ?? 'unnamed';
    if (minutes > MINUTES_OF_A_DAY) this.lateForDays.add(batchId);
    return { as, until: this.#state.now() + minutes * 60_000 };
  }
}

/** What the API returns instead of the results, and until when. */
interface Lateness {
  as: (typeof LATE_AS)[number];
  until: number;
}

const LATE_AS = ['unnamed', 'not found', 'other rows', 'empty'] as const;
const MINUTES_OF_A_DAY = 24 * 60;
const LATE_MINUTES = [1, 20, 300, 40 * 60]; // results that are more than a day late end as doubtful

async function* lateContent(
  as: Lateness['as'],
  fileId: string,
  content: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  if (as === 'unnamed' || as === 'not found')
    throw new TerminalError('file_gone', `content ${fileId}: HTTP 404`);
  if (as === 'empty') return;
  const pieces: Uint8Array[] = [];
  for await (const piece of content) pieces.push(piece);
  const text = Buffer.concat(pieces).toString();
  yield Buffer.from(text.replaceAll('"custom_id":"', '"custom_id":"of another file '));
}
