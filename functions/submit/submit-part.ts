/**
 * Submits a part as a batch. Each step ends with a compare-and-set. If the invocation crashes after it, the next try
 * continues.
 *   1. claim the lease, which lasts until the invocation's deadline, so that two invocations never work on one part.
 *      The claim is stored with the first change
 *   2. write the intent, unless a cancel is recorded. A part that needs an admission and has none waits for it
 *   3. upload the file in one pass (`upload-rows.ts`)
 *   4. save `sendBy`, then send POST /batches once, while the lease lasts (`create-batch.ts`)
 *   5. save the batch on the intent. If the invocation crashes before, `sendBy` is stored without a batch, so the next
 *      try searches for the batch (`ambiguous-create.ts`). The same search precedes sending a create again after a
 *      temporary refusal
 */
import type { WaitingFor } from '../shared/contract/events.ts';
import { RetryableError } from '../shared/domain/errors.ts';
import { nextPartStep, type PartStep } from '../shared/domain/next-step.ts';
import type { Part } from '../shared/domain/part.ts';
import { waitingPart } from '../shared/domain/part-end.ts';
import type { Intent } from '../shared/domain/spending/intents.ts';
import { replacing, withoutFileOf } from '../shared/domain/spending/replaced-intents.ts';
import { accountOfUnresolved, beginsAgainByItself } from '../shared/domain/spending/unresolved-creates.ts';
import { fitsAdmission } from '../shared/domain/waiting/admitted-part.ts';
import { mustWaitFor } from '../shared/domain/waiting/batch-limits.ts';
import { without } from '../shared/domain/without.ts';
import type { PartInHand } from '../shared/lifecycle/compare-and-set.ts';
import { type LeasedPart, withPartLease } from '../shared/lifecycle/lease.ts';
import { movePastAttempts } from '../shared/lifecycle/spending/past-attempts.ts';
import { uncertainAccount } from '../shared/lifecycle/spending/uncertain-accounts.ts';
import type { Deadline } from '../shared/ports/ports.ts';
import { adoptFoundBatch } from './adopt-found-batch.ts';
import { abandonIntent, searchForBatch } from './ambiguous-create.ts';
import { createBatch } from './create-batch.ts';
import { breakerFor } from './refused-call.ts';
import type { Submission, SubmissionControl, SubmissionDeps, SubmitDeps } from './submission.ts';
import { uploadRows } from './upload-rows.ts';

const UNCERTAIN_CHECK_SECONDS = 600;
/** Steps that act on the create that the part has sent. They begin outside the ledger, so the claim is stored before. */
const ON_A_SENT_CREATE: ReadonlySet<PartStep['do']> = new Set(['search', 'abandon', 'adopt']);

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
  if (ON_A_SENT_CREATE.has(step.do) && !leased.isHeld) {
    await leased.claim();
    return true; // if another invocation changed the part meanwhile, another step is next
  }
  switch (step.do) {
    case 'begin':
      return begin(deps, leased);
    case 'upload':
      return uploadRows(deps, submission);
    case 'create':
      return createBatch(deps, submission);
    case 'search':
      return searchForBatch(deps, inHand, leased);
    case 'abandon':
      return abandonIntent(deps, inHand, leased);
    case 'adopt':
      await adoptFoundBatch(deps, inHand, leased);
      return false;
    case 'retry':
      return retry(deps, leased);
    default:
      return false;
  }
}

/**
 * Begins the part, or enqueues it if it needs POLL's admission: a limit is known, other parts of its model wait, or a
 * breaker is open.
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

/** Returns what the part has to wait for; undefined if it was admitted or may begin at once. */
function capacityFor({ limits, control }: SubmissionDeps, part: Part): WaitingFor | undefined {
  const { model, admission } = part;
  if (admission && !(limits.budget && isUsedUp(part))) return undefined;
  if (control.full?.includes(model)) return 'token_limit';
  return mustWaitFor(limits, model) ?? (control.limited?.includes(model) ? 'enqueued_tokens' : undefined);
}

/** Returns whether a create of the admitted attempt has no known outcome: what was reserved for it may be spent. */
function isUsedUp({ admission, abandoned }: Part): boolean {
  const last = abandoned.at(-1);
  return admission !== undefined && last !== undefined && (last.givenUpAt ?? last.at) >= admission.at;
}

/** Makes a part with an unresolved create wait while another part of its account is stalled. Errors: RetryableError. */
function waitWhileUncertain({ control, clock }: SubmissionDeps, part: Part): void {
  if (!beginsAgainByItself(part)) return;
  if (!uncertainAccount(control, accountOfUnresolved(part), clock.now())) return;
  throw new RetryableError(
    'begin: another part of the account is stalled, because its creates have no known outcome; see CreateUncertain in docs/operations.md',
    { afterSeconds: UNCERTAIN_CHECK_SECONDS },
  );
}

/**
 * Begins a new attempt after the API refused the batch for now: with the same file, or with another one if fewer rows
 * were admitted.
 */
async function retry(deps: SubmissionDeps, leased: LeasedPart): Promise<boolean> {
  const ended = leased.item.batch?.batchId;
  const id = deps.ids.next();
  await movePastAttempts(deps, leased);
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
      return { ...rest, ...fields, ...withoutFileOf(part, part.intent, ended), phase: 'ready' };
    }
    const intent = without(part.intent, 'sendBy', 'foundNothingAt', 'refused', 'refusedAt');
    return {
      ...without(part, 'batch', 'backoffUntil', 'cancelSentAt', 'unconfirmed'),
      ...replacing(part, part.intent, ended),
      ...fields,
      phase: 'uploaded',
      intent: { ...intent, id, at: deps.clock.now() },
    };
  });
}
