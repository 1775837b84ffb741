/**
 * Handles temporary refusals of the API in SUBMIT, for example because the account cannot pay (rule 3 of "What an
 * answer is worth", docs/architecture.md): the part waits for POLL's admission, and the breaker for the call counts the
 * refusal (`breaker.ts`).
 */

import { WAIT_METRIC } from '../shared/contract/metrics.ts';
import { RetryableError, type TerminalError } from '../shared/domain/errors.ts';
import type { Part, PartIn } from '../shared/domain/part.ts';
import { waitingAfterRefusal, waitingPart } from '../shared/domain/part-end.ts';
import { nameOf } from '../shared/domain/waiting/admission-queue.ts';
import {
  afterRefusal,
  afterSuccess,
  type Breaker,
  breakerAgainst,
} from '../shared/domain/waiting/breaker.ts';
import { enqueuedLimitIn } from '../shared/domain/waiting/enqueued-limit.ts';
import type { Operation } from '../shared/domain/waiting/obstacle.ts';
import { changeBreakers } from '../shared/lifecycle/change-breakers.ts';
import type { LeasedPart } from '../shared/lifecycle/lease.ts';
import type { Ports } from '../shared/ports/ports.ts';
import type { SubmissionControl, SubmissionDeps } from './submission.ts';

/** Returns the open breaker that stops the part's call, unless POLL sent the part as a probe. */
export function breakerFor(
  { breakers = [] }: SubmissionControl,
  { admission }: Part,
  operation: Operation,
): Breaker | undefined {
  return admission?.probe ? undefined : breakerAgainst(breakers, operation);
}

/**
 * If an open breaker stops the call, makes the part wait. Returns whether it does. Errors: LostLease, RetryableError.
 */
export async function isStopped(
  { control, clock }: SubmissionDeps,
  leased: LeasedPart,
  operation: Operation,
): Promise<boolean> {
  const breaker = breakerFor(control, leased.item, operation);
  if (!breaker) return false;
  return leased.change((part) => {
    if (part.phase !== 'uploading' && part.phase !== 'uploaded') return undefined;
    return leased.released(waitingPart(part, { for: breaker.for, since: clock.now() }));
  });
}

/** A temporary refusal after which the part waits for POLL's admission. */
type RefusedForNow = RetryableError & { waitsFor: 'account' | 'storage' | 'token_limit' };

/** Returns whether the part has to wait for POLL's admission after the failure. */
export function isRefusedForNow(failure: unknown): failure is RefusedForNow {
  if (!(failure instanceof RetryableError)) return false;
  const { waitsFor } = failure;
  return waitsFor === 'account' || waitsFor === 'storage' || waitsFor === 'token_limit';
}

/**
 * Makes the part wait after the refusal, and returns false. After the refusal of a create, the list is searched before
 * another one is sent. Errors: LostLease, RetryableError.
 */
export async function waitAfterRefusal(
  deps: SubmissionDeps,
  leased: LeasedPart,
  operation: Operation,
  failure: RefusedForNow,
): Promise<false> {
  const { jobId, number, model } = leased.item;
  const { waitsFor: reason, message } = failure;
  const said = failure.said ?? message;
  deps.log.warn('call_refused', { jobId, part: number, operation, reason, said });
  const limit = reason === 'token_limit' ? enqueuedLimitIn(said, 'token_limit_exceeded') : undefined;
  const at = deps.clock.now();
  const refused = { sentAt: at, operation, said, ...(limit ? { limit } : {}) };
  await leased.change((part) => {
    if (part.phase !== 'uploading' && part.phase !== 'creating') return undefined;
    return leased.released(waitingAfterRefusal(part, reason, refused, at));
  });
  deps.metrics.record(WAIT_METRIC[reason], 1);
  if (reason === 'token_limit') {
    await noteFull(deps, model);
    return false;
  }
  deps.metrics.record('AccountRefused', 1);
  const account = await accountOf(deps, leased.item);
  const refusal = { account, for: reason, operation, said, item: nameOf(leased.item), at };
  await changeBreakers(deps, (breakers) => afterRefusal(breakers, refusal));
  return false;
}

/**
 * Closes the breakers that a success disproves. If there is none, reads and writes nothing. It never throws, because
 * the next success closes them.
 */
export async function noteSuccess(deps: SubmissionDeps, operation: Operation): Promise<void> {
  const { breakers = [] } = deps.control;
  if (afterSuccess(breakers, operation).length === breakers.length) return;
  try {
    await changeBreakers(deps, (all) => afterSuccess(all, operation));
    deps.log.info('account_accepted', { operation });
  } catch (failure) {
    const reason = failure instanceof Error ? failure.message : String(failure);
    deps.log.warn('breaker_not_closed', { operation, reason });
  }
}

/** Returns the account of the file, or else of the current key; empty if the API does not say it. */
async function accountOf({ api }: Pick<Ports, 'api'>, { intent }: Part): Promise<string> {
  if (intent?.account !== undefined) return intent.account;
  return api.listBatches({ limit: 1 }).then(
    ({ account }) => account,
    () => '',
  );
}

/** Makes new parts of the model wait at once, because POLL learns of the refusal only at its next tick. */
async function noteFull({ ledger }: Pick<Ports, 'ledger'>, model: string): Promise<void> {
  const control = await ledger.readControl();
  if (control.full?.includes(model)) return;
  // After a conflict, the next refusal or POLL notes it.
  await ledger.replaceControl({ ...control, full: [...(control.full ?? []), model] });
}

/** Returns the part as it ends after the API refused its file or its create for good. */
export function refused(part: PartIn<'uploading' | 'uploaded' | 'creating'>, failure: TerminalError): Part {
  const reason = { code: failure.code, message: failure.message };
  return { ...part, phase: 'ended', ended: { as: 'failed', reason } };
}
