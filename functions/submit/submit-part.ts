/**
 * Submits a part as a batch. Each step ends with a compare-and-set; if the invocation dies after it, the next try
 * continues.
 *   1. claim the lease, which lasts until the invocation's deadline, so that two invocations never work on one part.
 *      The claim is stored with the first change
 *   2. write the intent, unless a cancel is recorded. A part that needs POLL's admission and has none waits for it
 *   3. upload the file in one pass. Its id and checksum are stored with the next change
 *   4. reserve a create within the hourly limit, save `sendBy`, then send POST /batches once, while the lease lasts
 *   5. save the batch on the intent. If the invocation dies before, `sendBy` is there without a batch: the next try
 *      searches for the batch (`ambiguous-create.ts`). A create that was refused for a reason that passes is sent again
 *      only after such a search, too
 *
 * Known gap: if the invocation dies before the file's id of (3) is stored, the file stays at the API until it expires.
 */
import { crc32 } from 'node:zlib';
import type { WaitingFor } from '../shared/contract/events.ts';
import { Ambiguous, NotAllowed, RetryableError, TerminalError } from '../shared/domain/errors.ts';
import { nextPartStep, type PartStep } from '../shared/domain/next-step.ts';
import {
  attemptSize,
  type Intent,
  type ObservedBatch,
  type Part,
  type PartIn,
  type Slice,
  type UploadedIntent,
} from '../shared/domain/part.ts';
import { waitingPart } from '../shared/domain/part-end.ts';
import { accountOfUnresolved, beginsAgainByItself } from '../shared/domain/spending/unresolved-creates.ts';
import { fitsAdmission, withFileOf } from '../shared/domain/waiting/admitted-part.ts';
import { mustWaitFor } from '../shared/domain/waiting/batch-limits.ts';
import { without } from '../shared/domain/without.ts';
import type { PartInHand } from '../shared/lifecycle/compare-and-set.ts';
import { type LeasedPart, withPartLease } from '../shared/lifecycle/lease.ts';
import { fileAtApi, isOurAccount } from '../shared/lifecycle/openai-account.ts';
import { saveBatch } from '../shared/lifecycle/save-batch.ts';
import {
  claimCreate,
  noteAnswered,
  uncertainAccount,
} from '../shared/lifecycle/spending/uncertain-accounts.ts';
import { sliceOf, uploadBody } from '../shared/part-rows/upload-body.ts';
import type { Deadline } from '../shared/ports/ports.ts';
import { adoptFoundBatch } from './adopt-found-batch.ts';
import { abandonIntent, adoptIfFound, searchForBatch } from './ambiguous-create.ts';
import { reserveCreate } from './create-rate-limit.ts';
import { breakerFor, isRefusedForNow, isStopped, noteSuccess, waitAfterRefusal } from './refused-call.ts';
import { isSentAnew } from './sent-anew.ts';
import type { Submission, SubmissionControl, SubmissionDeps, SubmitDeps } from './submission.ts';

/** A create is not sent when the lease ends within this time. */
const TIME_TO_CREATE_MS = 60_000;

const UNCERTAIN_CHECK_SECONDS = 600;

/** Carries out the part's submission steps under a lease until the deadline. Errors: those of the ports, LostLease. */
export async function submitPart(
  deps: SubmitDeps,
  inHand: PartInHand,
  deadline: Deadline,
  control: SubmissionControl,
): Promise<void> {
  await withPartLease(deps, inHand, deadline.until, async (leased) => {
    const submission = { inHand, leased };
    for (;;) {
      const step = nextPartStep(without(leased.item, 'lease'), deps.clock.now(), control.paused);
      if (!(await submissionStep({ ...deps, ...deadline, control }, submission, step))) return;
    }
  });
}

/** Returns whether another submission step may follow. */
async function submissionStep(
  deps: SubmissionDeps,
  submission: Submission,
  step: PartStep,
): Promise<boolean> {
  const { inHand, leased } = submission;
  switch (step.do) {
    case 'begin':
      return begin(deps, leased);
    case 'upload':
      return upload(deps, submission);
    case 'create':
      return create(deps, submission);
    case 'search':
      await leased.claim();
      return searchForBatch(deps, inHand, leased);
    case 'abandon':
      await leased.claim();
      return abandonIntent(deps, inHand, leased);
    case 'adopt':
      await leased.claim();
      await adoptFoundBatch(deps, inHand, leased);
      return false;
    case 'retry':
      return retry(deps, leased);
    default:
      return false;
  }
}

/**
 * Begins the part, or enqueues it if it needs POLL's admission: when a limit is known, other parts of its model wait, or
 * the API refuses everybody.
 */
async function begin(deps: SubmissionDeps, leased: LeasedPart): Promise<boolean> {
  const now = deps.clock.now();
  waitWhileUncertain(deps, leased.item);
  const intent: Intent = { id: deps.ids.next(), at: now };
  return leased.change((part) => {
    if (part.phase !== 'ready' || part.cancelRequestedAt !== undefined) return undefined;
    const waitsFor = breakerFor(deps.control, part, 'upload')?.for ?? capacityFor(deps, part);
    if (waitsFor === undefined) return { ...part, phase: 'uploading', intent };
    return leased.released(waitingPart(part, { for: waitsFor, since: now }));
  });
}

/** Returns what the part has to wait for; undefined when it was admitted, or may begin at once. */
function capacityFor(
  { limits, control }: SubmissionDeps,
  { model, admission }: Part,
): WaitingFor | undefined {
  if (admission) return undefined;
  if (control.full?.includes(model)) return 'token_limit';
  return mustWaitFor(limits, model) ?? (control.limited?.includes(model) ? 'enqueued_tokens' : undefined);
}

/**
 * A part with an unresolved create does not begin again by itself while another part of its account is stalled. Errors:
 * RetryableError.
 */
function waitWhileUncertain({ control, clock }: SubmissionDeps, part: Part): void {
  if (!beginsAgainByItself(part)) return;
  if (!uncertainAccount(control, accountOfUnresolved(part), clock.now())) return;
  throw new RetryableError(
    'begin: another part of the account is stalled, because its creates have no known outcome; see CreateUncertain in docs/operations.md',
    { afterSeconds: UNCERTAIN_CHECK_SECONDS },
  );
}

/**
 * Uploads the part's rows. Returns false when the API refused the file: the part has then ended with the API's reason,
 * or waits.
 */
async function upload(deps: SubmissionDeps, { inHand, leased }: Submission): Promise<boolean> {
  if (await isStopped(deps, leased, 'upload')) return false;
  const part = leased.item;
  if (part.phase !== 'uploading') return true;
  const { intent } = part;
  await leased.claim();
  const slice = await sliceOf(deps, part);
  const sending: Part = slice ? { ...part, slice } : without(part, 'slice');
  const sent = new SentBytes(uploadBody(deps, sending));
  const name = `batchdrop-${part.jobId}-${part.number}-${intent.id}.jsonl`;
  try {
    const { fileId, account, createdAt, answeredAt } = await deps.api.uploadFile(
      { name, bytes: attemptSize(sending).uploadBytes, body: sent.chunks() },
      deps.signal,
    );
    const times = {
      ...(createdAt === undefined ? {} : { uploadedAt: createdAt }),
      ...(answeredAt === undefined ? {} : { answeredAt }),
    };
    const file = { fileId, account, crc32: sent.checksum, ...times };
    inHand.note(
      (now) =>
        now.phase === 'uploading' && now.intent.id === intent.id ? uploaded(now, file, slice) : undefined,
      () => undefined,
    );
    await noteSuccess(deps, 'upload');
    return true;
  } catch (failure) {
    if (isRefusedForNow(failure)) return waitAfterRefusal(deps, leased, 'upload', failure);
    if (!(failure instanceof TerminalError)) throw failure;
    deps.log.warn('upload_refused', { jobId: part.jobId, part: part.number, reason: failure.message });
    await leased.change((now) => (isBefore(now, intent.id) ? refused(now, failure) : undefined));
    return false;
  }
}

function uploaded(
  part: PartIn<'uploading'>,
  file: Pick<UploadedIntent, 'fileId' | 'account' | 'crc32' | 'uploadedAt' | 'answeredAt'>,
  slice: Slice | undefined,
): Part {
  const rest = without(part, 'slice', 'obstacle');
  // A refusal of a create is not over because an upload succeeded.
  const { obstacle } = part;
  const isOver = obstacle === undefined || obstacle.for === 'storage' || obstacle.for === 'unreachable';
  return {
    ...rest,
    ...(slice ? { slice } : {}),
    ...(isOver ? {} : { obstacle }),
    phase: 'uploaded',
    intent: { ...part.intent, ...file },
    tries: 0,
  };
}

/** Returns whether the part still has this intent, and no batch of it. */
function isBefore(part: Part, intentId: string): part is PartIn<'uploading' | 'uploaded' | 'creating'> {
  const isWithoutBatch = part.phase === 'uploading' || part.phase === 'uploaded' || part.phase === 'creating';
  return isWithoutBatch && part.intent.id === intentId;
}

function refused(part: PartIn<'uploading' | 'uploaded' | 'creating'>, failure: TerminalError): Part {
  const reason = { code: failure.code, message: failure.message };
  return { ...part, phase: 'ended', ended: { as: 'failed', reason } };
}

/** Passes chunks through and computes their CRC-32. It detects errors, not attacks, at half the CPU of SHA-256. */
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

  /** The checksum of the chunks so far: 8 hexadecimal digits. */
  get checksum(): string {
    return this.#crc32.toString(16).padStart(8, '0');
  }
}

/** Creates the batch. Returns false when nothing remains to do here: the batch is saved, or a later search decides. */
async function create(deps: SubmissionDeps, submission: Submission): Promise<boolean> {
  const { inHand, leased } = submission;
  if (await isStopped(deps, leased, 'create')) return false;
  if (await isSentAnew(deps, leased)) return true;
  if (leased.until - deps.clock.now() < TIME_TO_CREATE_MS) {
    throw new RetryableError('create: the invocation ends too soon; another one creates the batch', {
      afterSeconds: 1,
    });
  }
  const known = leased.item;
  if (known.phase !== 'uploaded') return true;
  const { intent } = known;
  const isOnly = await claimCreate(deps, intent, leased.until);
  await reserveCreate(deps);
  await leased.change((part) =>
    part.phase === 'uploaded' && part.intent.id === intent.id && part.cancelRequestedAt === undefined
      ? { ...part, phase: 'creating', intent: { ...part.intent, sendBy: leased.until } }
      : undefined,
  );
  const part = leased.item;
  if (part.phase !== 'creating' || part.intent.id !== intent.id) return true;
  let batch: ObservedBatch;
  try {
    batch = await send(deps, leased.until, part);
  } catch (failure) {
    if (isOnly && failure instanceof TerminalError) await noteAnswered(deps, intent.account);
    return afterFailedCreate(deps, submission, part, failure);
  }
  const { released } = leased;
  await saveBatch(deps, inHand, { intentId: intent.id, batch, unconfirmed: true, released });
  await noteSuccess(deps, 'create');
  if (isOnly) await noteAnswered(deps, intent.account);
  return false;
}

/**
 * Handles a failed create. Returns false when the batch may exist or the time was up. Errors: the failure;
 * RetryableError.
 */
async function afterFailedCreate(
  deps: SubmissionDeps,
  { inHand, leased }: Submission,
  part: PartIn<'creating'>,
  failure: unknown,
): Promise<false> {
  const { intent, jobId, number } = part;
  if (failure instanceof Ambiguous) {
    deps.log.warn('create_ambiguous', { jobId, part: number, reason: failure.message });
    return false; // the intent stays; the reconciler dispatches a search for its batch
  }
  if (saysFileIsMissing(failure) && !(await isOurAccount(deps, intent.account))) {
    // The create went to the account of the new key: the search is there, too.
    if (await adoptIfFound(deps, inHand, leased, { part, account: undefined })) return false;
    await discardIntent(leased, intent.id);
    throw new RetryableError(
      'create: the key now belongs to another account than the file; it is uploaded again',
      {
        cause: failure,
      },
    );
  }
  if (isRefusedForNow(failure)) return waitAfterRefusal(deps, leased, 'create', failure);
  await recordNotCreated(deps, leased, intent.id, failure);
  if (failure instanceof OutOfTime) return false;
  throw failure;
}

/** A refusal that also comes when the key now belongs to another account than the file. */
function saysFileIsMissing(failure: unknown): boolean {
  return (
    failure instanceof TerminalError ||
    (failure instanceof RetryableError && failure.waitsFor === 'not_visible')
  );
}

/** Thrown when the lease ended before the request was sent. */
class OutOfTime extends Error {
  override readonly name = 'OutOfTime';
}

async function send(deps: SubmissionDeps, until: number, part: PartIn<'creating'>): Promise<ObservedBatch> {
  const { jobId, number, endpoint, metadata } = part;
  const { fileId, id } = part.intent;
  if (deps.clock.now() >= until)
    throw new OutOfTime(`create part ${jobId}/${number}: the lease ended before the request was sent`);
  return deps.api.createBatch(
    {
      inputFileId: fileId,
      endpoint,
      completionWindow: deps.completionWindow,
      metadata: {
        ...metadata,
        batchdrop_job: jobId,
        batchdrop_part: String(number),
        batchdrop_intent: id,
      },
    },
    deps.signal,
  );
}

/**
 * Discards an intent whose file is in another account than the key's: the part begins again and uploads to that
 * account.
 */
async function discardIntent(leased: LeasedPart, intentId: string): Promise<void> {
  await leased.change((part) => {
    if (part.phase !== 'creating' || part.intent.id !== intentId) return undefined;
    const unused = fileAtApi(part.intent.fileId, part.intent.account);
    const unusedFiles = [...(part.unusedFiles ?? []), unused];
    return { ...without(part, 'intent'), phase: 'ready', unusedFiles };
  });
}

/**
 * Records what a failed create proves. Refused by the API's own word, the part ends. Not sent, it is sent later. Refused
 * for a reason that passes, it is sent again once a search found nothing: a page in the API's name may say so although
 * the batch exists (rule 1 of "What an answer is worth", docs/architecture.md). A defect proves nothing.
 */
async function recordNotCreated(
  { clock }: SubmissionDeps,
  leased: LeasedPart,
  intentId: string,
  failure: unknown,
): Promise<void> {
  await leased.change((part) => {
    if (part.phase !== 'creating' || part.intent.id !== intentId) return undefined;
    if (failure instanceof RetryableError || failure instanceof NotAllowed)
      return { ...part, intent: { ...part.intent, ...refusedNow(failure, clock.now()) } };
    const intent = without(part.intent, 'sendBy', 'foundNothingAt');
    if (failure instanceof OutOfTime) return { ...part, phase: 'uploaded', intent };
    return failure instanceof TerminalError
      ? refused({ ...part, phase: 'uploaded', intent }, failure)
      : undefined;
  });
}

/** A create whose file the API denies cannot have made a batch: the next search decides at once. */
function refusedNow(
  failure: RetryableError | NotAllowed,
  now: number,
): Pick<Intent, 'refused' | 'refusedAt'> {
  const isDenied = failure instanceof RetryableError && failure.waitsFor === 'not_visible';
  return { refused: true, ...(isDenied ? {} : { refusedAt: now }) };
}

/**
 * Begins a new attempt after the API refused the batch for now: with the same file, or with another one if fewer rows
 * were admitted.
 */
async function retry(deps: SubmissionDeps, leased: LeasedPart): Promise<boolean> {
  const ended = leased.item.batch?.batchId;
  const id = deps.ids.next();
  return leased.change((part) => {
    if (part.phase !== 'retrying' || part.batch.batchId !== ended) return undefined;
    const fields = {
      attempt: part.attempt + 1,
      earlierBatchIds: [...part.earlierBatchIds, part.batch.batchId],
      previousStatus: null,
      rev: 0 as const,
      publishedRev: 0 as const,
      tries: 0,
    };
    if (part.admission && !fitsAdmission(part, part.admission)) {
      const rest = without(part, 'batch', 'intent', 'backoffUntil', 'cancelSentAt', 'unconfirmed', 'slice');
      return { ...rest, ...fields, phase: 'ready', unusedFiles: withFileOf(part, part.intent) };
    }
    const intent = without(part.intent, 'sendBy', 'foundNothingAt', 'refused');
    return {
      ...without(part, 'batch', 'backoffUntil', 'cancelSentAt', 'unconfirmed'),
      ...fields,
      phase: 'uploaded',
      intent: { ...intent, id, at: deps.clock.now() },
    };
  });
}
