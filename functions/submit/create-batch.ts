/**
 * Sends `POST /batches` once for the part's intent, and records what the response proves (rules 1 and 2 of "What an
 * answer is worth", docs/architecture.md):
 *   1. reserve a create within the hourly limit; in an account with unresolved creates, also claim the account's only
 *      create
 *   2. save `sendBy`. From then on, a batch may exist
 *   3. send the request, while the lease lasts
 *   4. save the batch on the intent; or keep the intent for a search, send it later, or end the part
 */
import { Ambiguous, NotAllowed, RetryableError, TerminalError } from '../shared/domain/errors.ts';
import type { ObservedBatch, PartIn } from '../shared/domain/part.ts';
import type { Intent } from '../shared/domain/spending/intents.ts';
import { replacing, withoutFileOf } from '../shared/domain/spending/replaced-intents.ts';
import { without } from '../shared/domain/without.ts';
import type { LeasedPart } from '../shared/lifecycle/lease.ts';
import { isOurAccount } from '../shared/lifecycle/openai-account.ts';
import { saveBatch } from '../shared/lifecycle/save-batch.ts';
import { claimCreate, noteAnswered } from '../shared/lifecycle/spending/uncertain-accounts.ts';
import { adoptIfFound } from './ambiguous-create.ts';
import { reserveCreate } from './create-rate-limit.ts';
import { isRefusedForNow, isStopped, noteSuccess, refused, waitAfterRefusal } from './refused-call.ts';
import { isSentAnew } from './sent-anew.ts';
import type { Submission, SubmissionDeps } from './submission.ts';

const TIME_TO_CREATE_MS = 60_000; // a create is not sent if the lease ends within this time

/** Creates the batch. Returns false if nothing remains to do here: the batch is saved, or a later search decides. */
export async function createBatch(deps: SubmissionDeps, submission: Submission): Promise<boolean> {
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
  // Another invocation may have sent this create and ended, so only the invocation whose lease is stored sends it.
  if (!leased.isHeld || part.phase !== 'creating' || part.intent.id !== intent.id) return true;
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
 * Handles a failed create. Returns false if the batch may exist or the time was up. Errors: the failure;
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
    return false; // the intent remains; POLL dispatches a search for its batch
  }
  if (saysFileIsMissing(failure) && !(await isOurAccount(deps, intent.account))) {
    // The create went to the account of the new key, so the search goes there too.
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

/** Returns whether the API also refuses in this way if the file belongs to another account than the current key. */
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
 * Discards an intent whose file is in another account than the key's. The part begins again and uploads to the key's
 * account.
 */
async function discardIntent(leased: LeasedPart, intentId: string): Promise<void> {
  await leased.change((part) => {
    if (part.phase !== 'creating' || part.intent.id !== intentId) return undefined;
    const { intent } = part;
    // The create went to another account than the file, so its batch may be in any account.
    const kept = { ...withoutFileOf(part, intent), ...replacing(part, without(intent, 'account')) };
    return { ...without(part, 'intent'), ...kept, phase: 'ready' };
  });
}

/**
 * Records what a failed create proves. If the API itself refused the create for good, the part ends. If the create was
 * not sent, it is sent later. If it was refused temporarily, it is sent again only after a search found nothing,
 * because the batch may exist in spite of the refusal (rule 1 of "What an answer is worth", docs/architecture.md). A
 * defect proves nothing.
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
    if (!(failure instanceof TerminalError)) return undefined;
    return refused({ ...part, phase: 'uploaded', intent: { ...intent, refusedAt: clock.now() } }, failure);
  });
}

/** If the API denies that the file exists, the create cannot have made a batch, so the next search decides at once. */
function refusedNow(
  failure: RetryableError | NotAllowed,
  now: number,
): Pick<Intent, 'refused' | 'refusedAt'> {
  const isDenied = failure instanceof RetryableError && failure.waitsFor === 'not_visible';
  return { refused: true, ...(isDenied ? {} : { refusedAt: now }) };
}
