/**
 * Carries a part from nothing to a batch: what SUBMIT does. Each numbered step is a compare-and-set, and dying right
 * after any of them leaves something that the next try can finish.
 *   1. the lease: longer than the function may run, so two never work on one part
 *   2. the intent: refused once a cancel is recorded. What needs POLL's leave to begin and has none waits for it
 *   3. the file: uploaded in one pass, its id and checksum saved. Dying before it is saved leaves a file nobody uses
 *   4. a place among the creates of this hour is taken; `sendBy` is saved, then POST /batches leaves, once, and only while
 *      the lease has time left
 *   5. the batch is saved on the intent. Dying before it leaves `sendBy` without a batch: the next try looks for it
 *      (`ambiguous-create.ts`)
 *
 * Known gaps: the file of (3) that was not saved stays at the API until it expires there.
 */
import { crc32 } from 'node:zlib';
import { type BatchLimits, mustWaitFor } from '../shared/domain/batch-limits.ts';
import { Ambiguous, NotAllowed, RetryableError, TerminalError } from '../shared/domain/errors.ts';
import type { Control } from '../shared/domain/ledger-records.ts';
import { nextPartStep, type PartStep } from '../shared/domain/next-step.ts';
import {
  attemptSize,
  type Intent,
  intentOf,
  type ObservedBatch,
  type Part,
  type PartRef,
} from '../shared/domain/part.ts';
import { without } from '../shared/lifecycle/compare-and-set.ts';
import { type LeasedPart, LostLease, withPartLease } from '../shared/lifecycle/lease.ts';
import { fileAtApi, isOurAccount } from '../shared/lifecycle/openai-account.ts';
import { saveBatch } from '../shared/lifecycle/save-batch.ts';
import { uploadBody } from '../shared/part-rows/upload-body.ts';
import type { Deadline, Ports } from '../shared/ports/ports.ts';
import { abandonIntent, searchForBatch } from './ambiguous-create.ts';
import { reserveCreate } from './create-rate-limit.ts';

export type SubmitDeps = Pick<
  Ports,
  'ledger' | 'clock' | 'ids' | 'log' | 'metrics' | 'api' | 'requestFiles' | 'results'
> & {
  completionWindow: string;
  limits: BatchLimits;
};

type SubmissionDeps = SubmitDeps & Deadline & { control: SubmissionControl };

/** What an operator and POLL say of submission. */
type SubmissionControl = Pick<Control, 'paused' | 'full'>;

/** A create that has less time than this left before the lease ends is not sent. */
const TIME_TO_CREATE_MS = 60_000;

/** Runs the part's submission steps under a lease for this turn. Errors: as the ports', LostLease. */
export async function submitPart(
  deps: SubmitDeps,
  ref: PartRef,
  deadline: Deadline,
  control: SubmissionControl,
): Promise<void> {
  await withPartLease(deps, ref, deadline.until, async (leased) => {
    for (;;) {
      const step = nextPartStep(without(leased.part, 'lease') as Part, deps.clock.now(), control.paused);
      if (!(await submissionStep({ ...deps, ...deadline, control }, leased, step))) return;
    }
  });
}

/** True when the part may have another step of this kind. */
async function submissionStep(deps: SubmissionDeps, leased: LeasedPart, step: PartStep): Promise<boolean> {
  switch (step.do) {
    case 'begin':
      await begin(deps, leased);
      return true;
    case 'upload':
      await upload(deps, leased);
      return true;
    case 'create':
      return create(deps, leased);
    case 'search':
      await searchForBatch(deps, leased);
      return false;
    case 'abandon':
      return abandonIntent(deps, leased);
    case 'retry':
      await retry(deps, leased);
      return true;
    default:
      return false;
  }
}

/** The part begins, or it gets into the line: with limits set, or behind others of its model, it needs POLL's leave. */
async function begin(deps: SubmissionDeps, leased: LeasedPart): Promise<void> {
  const now = deps.clock.now();
  const intent: Intent = { id: deps.ids.next(), at: now };
  const { limits, control } = deps;
  await leased.change((part) => {
    if (part.intent || part.cancelRequestedAt !== undefined) return undefined;
    const isFull = control.full?.includes(part.model);
    const waitsFor = isFull ? 'token_limit' : mustWaitFor(limits, part.model);
    if (waitsFor === undefined || part.admission) return { ...part, intent };
    return { ...part, waiting: { for: waitsFor, since: now } };
  });
}

async function upload(deps: SubmissionDeps, leased: LeasedPart): Promise<void> {
  const { part } = leased;
  const intent = intentOf(part);
  const sent = new SentBytes(uploadBody(deps, part));
  const name = `batchdrop-${part.jobId}-${part.number}-${intent.id}.jsonl`;
  const uploaded = await deps.api
    .uploadFile({ name, bytes: attemptSize(part).uploadBytes, body: sent.chunks() }, deps.signal)
    .catch((failure: unknown) => endIfRefused(leased, intent.id, failure));
  const { fileId, account } = uploaded;
  const { checksum } = sent;
  await leased.change((now) =>
    now.intent?.id === intent.id && now.intent.fileId === undefined
      ? { ...now, intent: { ...now.intent, fileId, account, crc32: checksum }, tries: 0 }
      : undefined,
  );
}

/** Before anything was sent a refusal is final: the part ends, with the reason. Always throws. */
async function endIfRefused(leased: LeasedPart, intentId: string, failure: unknown): Promise<never> {
  if (!(failure instanceof TerminalError)) throw failure;
  const reason = { code: failure.code, message: failure.message };
  await leased.change((part) =>
    part.intent?.id === intentId && !part.batch ? { ...part, ended: { as: 'failed', reason } } : undefined,
  );
  throw new LostLease(`part ${leased.part.jobId}/${leased.part.number}: ended, ${failure.message}`, {
    cause: failure,
  });
}

/** Passes chunks on and keeps their CRC-32, at half the CPU of a SHA-256: it is to show a mishap, not an attack. */
class SentBytes {
  readonly #chunks: AsyncIterable<Uint8Array>;
  #crc32 = 0;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks;
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    for await (const chunk of this.#chunks) {
      this.#crc32 = crc32(chunk, this.#crc32);
      yield chunk;
    }
  }

  /** Of what was passed on so far: 8 hexadecimal digits. */
  get checksum(): string {
    return this.#crc32.toString(16).padStart(8, '0');
  }
}

/** False when nothing is left to do here: the batch is saved, or its fate is to be looked for later. */
async function create(deps: SubmissionDeps, leased: LeasedPart): Promise<boolean> {
  if (leased.until - deps.clock.now() < TIME_TO_CREATE_MS) {
    throw new RetryableError('create: too little time left in this invocation', { afterSeconds: 1 });
  }
  await reserveCreate(deps);
  const intent = intentOf(leased.part);
  const noted = await leased.change((part) =>
    part.intent?.id === intent.id && part.cancelRequestedAt === undefined
      ? { ...part, intent: { ...part.intent, sendBy: leased.until } }
      : undefined,
  );
  if (noted.intent?.id !== intent.id || noted.intent.sendBy === undefined) return true;
  let batch: ObservedBatch;
  try {
    batch = await send(deps, leased, noted);
  } catch (failure) {
    if (failure instanceof Ambiguous) {
      deps.log.warn('create_ambiguous', { jobId: noted.jobId, part: noted.number, reason: failure.message });
      return false; // the intent stands; the reconciler has it looked for
    }
    if (failure instanceof TerminalError && !(await isOurAccount(deps, intent.account))) {
      await beginAnew(leased, intent.id);
      throw new RetryableError('create: the key is now of another account than its file; uploaded anew', {
        cause: failure,
      });
    }
    await notSent(leased, intent.id, failure);
    throw failure;
  }
  await saveBatch(deps, noted, intent.id, batch);
  return false;
}

async function send(deps: SubmissionDeps, leased: LeasedPart, part: Part): Promise<ObservedBatch> {
  const { fileId, id } = intentOf(part);
  if (fileId === undefined) throw new Error(`create part ${part.jobId}/${part.number}: no file`);
  if (deps.clock.now() >= leased.until) throw new LostLease(`part ${part.jobId}/${part.number}: out of time`);
  return deps.api.createBatch(
    {
      inputFileId: fileId,
      endpoint: part.endpoint,
      completionWindow: deps.completionWindow,
      metadata: {
        ...part.metadata,
        batchdrop_job: part.jobId,
        batchdrop_part: String(part.number),
        batchdrop_intent: id,
      },
    },
    deps.signal,
  );
}

/** The key was replaced by another account's since the upload: the file is uploaded again, to that account. */
async function beginAnew(leased: LeasedPart, intentId: string): Promise<void> {
  await leased.change((part) => {
    if (part.intent?.id !== intentId || part.batch) return undefined;
    const left = part.intent.fileId === undefined ? [] : [fileAtApi(part.intent.fileId, part.intent.account)];
    return { ...(without(part, 'intent') as Part), unusedFiles: [...(part.unusedFiles ?? []), ...left] };
  });
}

/** The API said no for certain, so no batch exists: the intent is as before sending, or the part is at its end. */
async function notSent(leased: LeasedPart, intentId: string, failure: unknown): Promise<void> {
  const certain =
    failure instanceof RetryableError || failure instanceof TerminalError || failure instanceof NotAllowed;
  if (!certain && !(failure instanceof LostLease)) return; // a defect proves nothing: look for the batch
  await leased.change((part) => {
    if (part.intent?.id !== intentId || part.batch) return undefined;
    const intent = without(part.intent, 'sendBy', 'foundNothingAt');
    if (!(failure instanceof TerminalError)) return { ...part, intent };
    return {
      ...part,
      intent,
      ended: { as: 'failed', reason: { code: failure.code, message: failure.message } },
    };
  });
}

/** The batch is known and ended without running: a new attempt on the same file. */
async function retry(deps: SubmissionDeps, leased: LeasedPart): Promise<void> {
  const ended = leased.part.batch?.batchId;
  const id = deps.ids.next();
  await leased.change((part) => {
    if (!part.batch || part.batch.batchId !== ended || !part.intent || !part.willRetry) return undefined;
    if (part.waiting) return undefined;
    const intent = without({ ...part.intent, id, at: deps.clock.now() }, 'sendBy', 'foundNothingAt');
    return {
      ...(without(part, 'batch', 'willRetry', 'backoffUntil', 'cancelSentAt') as Part),
      intent,
      attempt: part.attempt + 1,
      earlierBatchIds: [...part.earlierBatchIds, part.batch.batchId],
      previousStatus: null,
      rev: 0,
      publishedRev: 0,
      tries: 0,
    };
  });
}
