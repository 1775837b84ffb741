import { hasEnded } from '../../functions/shared/contract/batch-status.ts';
import type { BatchError } from '../../functions/shared/contract/events.ts';
import { Ambiguous, RetryableError, TerminalError } from '../../functions/shared/domain/errors.ts';
import type { KnownBatch } from '../../functions/shared/domain/part.ts';
import type { BatchApi, BatchPage, Clock } from '../../functions/shared/ports/ports.ts';
import { batchPage } from './batch-page.ts';
import { frozenCopy } from './frozen-copy.ts';
import { rangeOf } from './in-memory-range.ts';
import { seededRandom, shuffled } from './seeded-random.ts';
import {
  type BatchBehavior,
  earliestEnd,
  filesOf,
  progressOf,
  ranRows,
  reportOf,
  type SimulatedBatch,
  tokensOf,
} from './simulated-batch.ts';

type CreateRequest = Parameters<BatchApi['createBatch']>[0];

/** What happened at the API. Each list is in order of time. */
interface Audit {
  uploads: { fileId: string; bytes: number }[];
  creates: { batchId: string; inputFileId: string; metadata: Record<string, string>; at: number }[];
  cancels: { batchId: string; at: number }[];
  /** `results`: for a result file, the custom ids of the rows that succeeded. */
  deletes: { fileId: string; at: number; results?: { batchId: string; succeeded: string[] } }[];
  /** Rows that succeeded, however the batch ended. */
  billed: { batchId: string; inputFileId: string; customId: string }[];
}

/** A Batch API whose state tests can read. */
export interface InMemoryBatchApi extends BatchApi {
  createBatch(...args: Parameters<BatchApi['createBatch']>): Promise<KnownBatch>;
  retrieveBatch(...args: Parameters<BatchApi['retrieveBatch']>): Promise<KnownBatch>;
  audit(): Audit;
  /** Returns the files that were not deleted. */
  files(): string[];
  /** Returns the output file of an ended batch, even if it was deleted. */
  outputFileOf(batchId: string): string | undefined;
}

export interface InMemoryBatchApiOptions {
  clock: Clock;
  seed: number;
  /** How a new batch behaves. `nth` counts creates from 1. */
  fate?: (
    batch: { inputFileId: string; metadata: Record<string, string>; nth: number },
    rows: string[],
  ) => BatchBehavior;
  /** A batch appears in the list only this long after its creation. */
  listLagMs?: number;
  /** The delay of a create that throws Ambiguous and takes effect later if its file still exists. */
  lateByMs?: (request: CreateRequest) => number | undefined;
  /**
   * How many tokens of a model may be enqueued, as `usage` counts them. A batch that exceeds this fails in validation.
   */
  enqueuedTokens?: (model: string) => number;
  /** The account of the current key. Files and batches of other accounts are not visible. */
  account?: () => string;
}

const MAX_LIST = 100;
const MAX_BYTES = 200_000_000;

/** The Batch API in memory. Its reports depend only on the clock and the calls. */
export function createInMemoryBatchApi(options: InMemoryBatchApiOptions): InMemoryBatchApi {
  return new SimulatedApi(options);
}

class SimulatedApi implements InMemoryBatchApi {
  readonly #options: InMemoryBatchApiOptions;
  readonly #random: () => number;
  readonly #files = new Map<string, { account: string; body: Buffer }>();
  /** Oldest first. */
  readonly #batches: SimulatedBatch[] = [];
  /** Batches whose result files do not exist yet. */
  #unfiled: SimulatedBatch[] = [];
  /** No open batch ends before this time. */
  #nextEnd = Number.POSITIVE_INFINITY;
  readonly #resultFiles = new Map<string, { outputFileId?: string; errorFileId?: string }>();
  #underWay: { at: number; account: string; request: CreateRequest }[] = [];
  readonly #audit: Omit<Audit, 'billed'> = { uploads: [], creates: [], cancels: [], deletes: [] };
  #nextFile = 1;

  constructor(options: InMemoryBatchApiOptions) {
    this.#options = options;
    this.#random = seededRandom(options.seed);
  }

  async uploadFile(
    upload: Parameters<BatchApi['uploadFile']>[0],
    signal: AbortSignal,
  ): ReturnType<BatchApi['uploadFile']> {
    const pieces: Uint8Array[] = [];
    for await (const piece of upload.body) {
      if (signal.aborted)
        throw new RetryableError(`upload ${upload.name}: aborted`, { cause: signal.reason });
      pieces.push(Uint8Array.from(piece));
    }
    if (signal.aborted) throw new RetryableError(`upload ${upload.name}: aborted`, { cause: signal.reason });
    const body = Buffer.concat(pieces);
    if (body.length !== upload.bytes) {
      throw new Error(
        `upload ${upload.name}: the body has ${body.length} bytes, ${upload.bytes} were announced`,
      );
    }
    if (!upload.name.endsWith('.jsonl')) {
      throw new TerminalError('invalid_request_error', `upload ${upload.name}: must be .jsonl`);
    }
    if (body.length > MAX_BYTES)
      throw new TerminalError('file_too_large', `upload ${upload.name}: too large`);
    const fileId = this.#keepFile(body, this.#account());
    this.#audit.uploads.push({ fileId, bytes: body.length });
    return { fileId, account: this.#account(), createdAt: this.#seconds(), answeredAt: this.#seconds() };
  }

  async createBatch(request: CreateRequest, signal: AbortSignal): Promise<KnownBatch> {
    this.#catchUp();
    if (signal.aborted)
      throw new RetryableError('create batch: aborted before it was sent', { cause: signal.reason });
    const lateByMs = this.#options.lateByMs?.(request);
    if (lateByMs !== undefined) {
      const at = this.#now() + lateByMs;
      this.#underWay.push({ at, account: this.#account(), request: frozenCopy(request) });
      throw new Ambiguous('create batch: no answer came');
    }
    const batch = this.#create(request, this.#account(), this.#now());
    if (batch === undefined) {
      const said = `Cannot find file ${request.inputFileId}`;
      throw new RetryableError(`create batch: ${said}`, { waitsFor: 'not_visible', said });
    }
    return this.#report(batch);
  }

  async retrieveBatch(batchId: string): Promise<KnownBatch> {
    this.#catchUp();
    const batch = this.#find(batchId);
    if (batch === undefined)
      throw new TerminalError('not_found', `retrieve ${batchId}: there is no such batch`);
    return this.#report(batch);
  }

  async listBatches(query: { after?: string; limit: number }): Promise<BatchPage> {
    this.#catchUp();
    const { after, limit } = query;
    if (!(limit >= 1 && limit <= MAX_LIST))
      throw new TerminalError('invalid_request_error', 'limit is 1 to 100');
    const seenUntil = this.#now() - (this.#options.listLagMs ?? 0);
    const ours = this.#batches.filter((batch) => batch.account === this.#account()).reverse();
    const from = after === undefined ? 0 : ours.findIndex((batch) => batch.batchId === after) + 1;
    if (after !== undefined && from === 0)
      throw new TerminalError('not_found', `list after ${after}: there is no such batch`);
    const rest = ours.slice(from).filter((batch) => batch.createdAt <= seenUntil);
    const batches = rest.slice(0, limit).map((batch) => this.#report(batch));
    return { ...batchPage(batches, rest.length > limit, this.#account()), answeredAt: this.#seconds() };
  }

  async cancelBatch(batchId: string): Promise<KnownBatch | 'too_late' | 'unknown'> {
    this.#catchUp();
    const batch = this.#find(batchId);
    if (batch === undefined) return 'unknown';
    const { status } = progressOf(batch, this.#now());
    if (hasEnded(status) && status !== 'cancelled') return 'too_late';
    if (batch.cancelRequestedAt === undefined) {
      batch.cancelRequestedAt = this.#now();
      this.#nextEnd = this.#now();
      this.#audit.cancels.push({ batchId, at: this.#now() });
    }
    return this.#report(batch);
  }

  async fileBytes(fileId: string): Promise<number> {
    this.#catchUp();
    return this.#body(fileId).length;
  }

  async *readFile(fileId: string): AsyncGenerator<Uint8Array> {
    this.#catchUp();
    yield* rangeOf(this.#body(fileId));
  }

  async deleteFile(fileId: string): ReturnType<BatchApi['deleteFile']> {
    this.#catchUp();
    const account = this.#account();
    const file = this.#files.get(fileId);
    if (file?.account !== account) return { was: 'gone', account };
    this.#files.delete(fileId);
    const [batchId] = [...this.#resultFiles].find(([, files]) => Object.values(files).includes(fileId)) ?? [];
    const results = batchId === undefined ? {} : { results: { batchId, succeeded: succeededIn(file.body) } };
    this.#audit.deletes.push({ fileId, at: this.#now(), ...results });
    for (const batch of this.#batches) {
      const { status } = progressOf(batch, this.#now());
      if (batch.inputFileId === fileId && status === 'validating') batch.fileLost = true;
    }
    return { was: 'deleted', account };
  }

  audit(): Audit {
    this.#catchUp();
    const billed = this.#batches.flatMap((batch) =>
      ranRows(batch, this.#now()).succeeded.map((customId) => ({
        batchId: batch.batchId,
        inputFileId: batch.inputFileId,
        customId,
      })),
    );
    return frozenCopy({ ...this.#audit, billed });
  }

  files(): string[] {
    this.#catchUp();
    return [...this.#files.keys()];
  }

  outputFileOf(batchId: string): string | undefined {
    this.#catchUp();
    return this.#resultFiles.get(batchId)?.outputFileId;
  }

  /** Applies what is due by now: late creates take effect, and ended batches get their files. */
  #catchUp(): void {
    const due = this.#underWay.filter(({ at }) => at <= this.#now()).sort((a, b) => a.at - b.at);
    this.#underWay = this.#underWay.filter(({ at }) => at > this.#now());
    for (const { request, account, at } of due) this.#create(request, account, at);
    if (this.#now() < this.#nextEnd) return;
    const running = this.#unfiled;
    this.#unfiled = [];
    this.#nextEnd = Number.POSITIVE_INFINITY;
    for (const batch of running) {
      if (progressOf(batch, this.#now()).endedAt === undefined) {
        this.#awaitEnd(batch);
        continue;
      }
      const { output, errors } = filesOf(batch, this.#now());
      this.#resultFiles.set(batch.batchId, {
        ...(output === '' ? {} : { outputFileId: this.#keepFile(Buffer.from(output), batch.account) }),
        ...(errors === '' ? {} : { errorFileId: this.#keepFile(Buffer.from(errors), batch.account) }),
      });
    }
  }

  #create(request: CreateRequest, account: string, at: number): SimulatedBatch | undefined {
    const file = this.#files.get(request.inputFileId);
    if (file?.account !== account) return undefined;
    const nth = this.#audit.creates.length + 1;
    const { rows, problems } = readRows(file.body);
    const { inputFileId, endpoint } = request;
    const metadata = frozenCopy(request.metadata);
    const fate = { ...this.#options.fate?.({ inputFileId, metadata, nth }, [...rows]) };
    if (problems.length > 0) fate.failure ??= problems;
    const model = modelOf(file.body);
    const limit = this.#options.enqueuedTokens?.(model);
    if (limit !== undefined && this.#enqueued(model, account, at) + tokensOf(rows.length) > limit)
      fate.failure ??= [tokenLimitExceeded(model)];
    const batch: SimulatedBatch = {
      batchId: `batch_${String(nth).padStart(6, '0')}`,
      account,
      inputFileId,
      endpoint,
      metadata,
      model,
      createdAt: at,
      rows: shuffled(rows, this.#random),
      fate,
    };
    this.#batches.push(batch);
    this.#awaitEnd(batch);
    this.#audit.creates.push({ batchId: batch.batchId, inputFileId, metadata, at });
    return batch;
  }

  #enqueued(model: string, account: string, at: number): number {
    return this.#batches
      .filter(
        (batch) => batch.model === model && batch.account === account && batch.fate.failure === undefined,
      )
      .filter((batch) => progressOf(batch, at).endedAt === undefined)
      .reduce((sum, batch) => sum + tokensOf(batch.rows.length), 0);
  }

  #awaitEnd(batch: SimulatedBatch): void {
    this.#unfiled.push(batch);
    this.#nextEnd = Math.min(this.#nextEnd, earliestEnd(batch));
  }

  #keepFile(body: Buffer, account: string): string {
    const fileId = `file-${String(this.#nextFile++).padStart(6, '0')}`;
    this.#files.set(fileId, { account, body });
    return fileId;
  }

  #find(batchId: string): SimulatedBatch | undefined {
    return this.#batches.find((batch) => batch.batchId === batchId && batch.account === this.#account());
  }

  #body(fileId: string): Buffer {
    const file = this.#files.get(fileId);
    if (file?.account !== this.#account())
      throw new TerminalError('file_gone', `read ${fileId}: there is no such file`);
    return file.body;
  }

  #report(batch: SimulatedBatch): KnownBatch {
    return reportOf(batch, this.#now(), this.#resultFiles.get(batch.batchId) ?? {});
  }

  /** Returns the API's time, in whole seconds. */
  #seconds(): number {
    return Math.floor(this.#now() / 1000) * 1000;
  }

  #now(): number {
    return this.#options.clock.now();
  }

  #account(): string {
    return this.#options.account?.() ?? 'org-simulated';
  }
}

/** Returns the model of the first row. */
function modelOf(body: Buffer): string {
  return /"model":"([^"]+)"/.exec(body.subarray(0, 10_000).toString())?.[1] ?? 'none';
}

function tokenLimitExceeded(model: string): BatchError {
  const message = `Enqueued token limit reached for ${model}. Please try again once some in_progress batches have been completed.`;
  return { code: 'token_limit_exceeded', message, param: null, line: null };
}

/** Returns the custom ids of an input file, or what OpenAI's validation would find. */
function readRows(body: Buffer): { rows: string[]; problems: BatchError[] } {
  const rows = new Set<string>();
  const problems: BatchError[] = [];
  const lines = body
    .toString()
    .split('\n')
    .filter((line) => line !== '');
  for (const [index, line] of lines.entries()) {
    const customId = customIdOf(line);
    const code =
      customId === undefined ? 'invalid_json_line' : rows.has(customId) ? 'duplicate_custom_id' : undefined;
    if (code !== undefined) problems.push({ code, message: code, param: null, line: index + 1 });
    else if (customId !== undefined) rows.add(customId);
  }
  if (lines.length === 0) {
    problems.push({ code: 'empty_file', message: 'empty_file', param: null, line: null });
  }
  return { rows: [...rows], problems };
}

/** Returns the custom ids of the rows that succeeded, from a result file. */
function succeededIn(body: Buffer): string[] {
  const lines = body.toString().split('\n');
  return lines.filter((line) => line.includes('"status_code":200')).map((line) => customIdOf(line) ?? '');
}

function customIdOf(line: string): string | undefined {
  try {
    const row: unknown = JSON.parse(line);
    if (typeof row !== 'object' || row === null || !('custom_id' in row)) return undefined;
    return typeof row.custom_id === 'string' ? row.custom_id : undefined;
  } catch {
    return undefined;
  }
}
