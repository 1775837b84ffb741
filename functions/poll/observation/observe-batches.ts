import { NotAllowed, RetryableError, TerminalError } from '../../shared/domain/errors.ts';
import type { OpenBatch } from '../../shared/domain/open-batch.ts';
import type { ObservedBatch } from '../../shared/domain/part.ts';
import { inParallel } from '../../shared/lifecycle/in-parallel.ts';
import type { BatchPage, Ports } from '../../shared/ports/ports.ts';
import { BatchListSurvey, type ListCall, type SurveyCall } from './batch-list-survey.ts';
import { SecondSightings } from './second-sightings.ts';

type Deps = Pick<Ports, 'api' | 'clock' | 'log'>;

const AT_ONCE = 32; // parallel calls to the API: far below its limits
const AT_ONCE_OF_A_PAGE = 4;
const MAX_BACKOFF_MS = 10 * 60_000; // a wrong `Retry-After` must not stop observation for long

/** Receives the results of a survey. */
interface Observer {
  /** Returns whether the time is up, so that no more calls are made. */
  isOver(): boolean;
  seen(open: OpenBatch, observed: ObservedBatch): Promise<void>;
  /** Called when a page shows another batch with the same intent or file. */
  seenSecond(open: OpenBatch, observed: ObservedBatch): Promise<void>;
  /** Called when the batch itself could not be retrieved. */
  failed(open: OpenBatch, failure: unknown): Promise<void>;
}

/** The result of a survey. */
interface SurveyReport {
  calls: number;
  /** The time was up before all calls were made. */
  outOfTime: boolean;
  /** A defect prevented reading the list. */
  broken: boolean;
  /** The API asked for no calls before this time, in milliseconds. */
  observeFrom?: number;
  /** The ids of batches that the survey did not reach. */
  unobserved: string[];
}

/**
 * Observes open batches with few calls, in the order of a survey (`batch-list-survey.ts`). If the API refuses a list
 * call for the key, or asks to wait, the survey ends. Errors: only those of the observer.
 */
export async function observeBatches(
  deps: Deps,
  open: readonly OpenBatch[],
  { rotation, first }: { rotation: number; first: readonly string[] },
  observer: Observer,
): Promise<SurveyReport> {
  const survey = new BatchListSurvey(open, rotation, first);
  const seconds = new SecondSightings(open);
  const report: SurveyReport = { calls: 0, outOfTime: false, broken: false, unobserved: [] };
  let isStopped = false;
  const make = async (call: SurveyCall): Promise<void> => {
    report.outOfTime ||= observer.isOver();
    if (isStopped || report.outOfTime) return survey.noteNotMade(call);
    report.calls += 1;
    if (call.do === 'retrieve') return retrieve(deps, call.open, observer);
    const page = await list(deps, call).catch((failure: unknown) => {
      isStopped ||= isBackpressure(failure);
      if (!isStopped) survey.noteFailed();
      noteListFailure(deps, report, call, failure);
    });
    if (!page) return;
    await inParallel(survey.noteList(call, page), AT_ONCE_OF_A_PAGE, (sighting) =>
      observer.seen(sighting.open, sighting.observed),
    );
    for (const second of seconds.on(page.batches)) await observer.seenSecond(second.open, second.observed);
  };
  for (let calls = survey.next(); calls.length > 0; calls = survey.next()) {
    await inParallel(calls, AT_ONCE, make);
    if (isStopped || report.outOfTime) break; // otherwise the survey would return these calls again
  }
  return { ...report, unobserved: survey.unobserved() };
}

function list({ api }: Deps, { limit, after }: ListCall): Promise<BatchPage> {
  return api.listBatches({ limit, ...(after === undefined ? {} : { after: after.batchId }) });
}

async function retrieve({ api }: Deps, open: OpenBatch, observer: Observer): Promise<void> {
  let observed: ObservedBatch;
  try {
    observed = await api.retrieveBatch(open.batchId);
  } catch (failure) {
    return observer.failed(open, failure);
  }
  await observer.seen(open, observed);
}

function isBackpressure(failure: unknown): boolean {
  return (
    failure instanceof NotAllowed || (failure instanceof RetryableError && failure.afterSeconds !== undefined)
  );
}

function noteListFailure(
  { clock, log }: Deps,
  report: SurveyReport,
  { after }: ListCall,
  failure: unknown,
): void {
  const facts = { step: 'observe', after: after?.batchId };
  if (failure instanceof NotAllowed) {
    log.error('not_allowed', facts, failure);
  } else if (failure instanceof RetryableError || failure instanceof TerminalError) {
    const afterSeconds = failure instanceof RetryableError ? failure.afterSeconds : undefined;
    log.warn('list_failed', { ...facts, afterSeconds, reason: failure.message });
    if (afterSeconds === undefined) return;
    const from = clock.now() + Math.min(afterSeconds * 1000, MAX_BACKOFF_MS);
    report.observeFrom = Math.max(from, report.observeFrom ?? 0);
  } else {
    log.error('list_failed_unexpectedly', facts, failure);
    report.broken = true;
  }
}
