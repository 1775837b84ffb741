import { NotAllowed, RetryableError, TerminalError } from '../../shared/domain/errors.ts';
import type { OpenBatch } from '../../shared/domain/open-batch.ts';
import type { ObservedBatch } from '../../shared/domain/part.ts';
import { inParallel } from '../../shared/lifecycle/in-parallel.ts';
import type { Ports } from '../../shared/ports/ports.ts';
import { BatchListSurvey, type ListCall, type Sighting, type SurveyCall } from './batch-list-survey.ts';

type Deps = Pick<Ports, 'api' | 'clock' | 'log'>;

const AT_ONCE = 32; // calls to the API side by side: far below its limits
const AT_ONCE_OF_A_PAGE = 4;
const MAX_HOLD_MS = 10 * 60_000; // a strange answer must not keep everything unobserved for long

/** Who wants to know. */
interface Observer {
  /** Time is up: nothing more is asked. */
  isOver(): boolean;
  seen(open: OpenBatch, observed: ObservedBatch): Promise<void>;
  /** The batch itself could not be retrieved. */
  failed(open: OpenBatch, failure: unknown): Promise<void>;
}

/** What a survey took, and what it left. */
interface SurveyReport {
  calls: number;
  /** Time was up before all was asked. */
  cutShort: boolean;
  /** The list could not be read for a defect. */
  broken: boolean;
  /** The API asked not to be asked before this time, in milliseconds. */
  observeFrom?: number;
  /** Batches the survey did not come to. */
  left: string[];
}

/**
 * Observes open batches by few calls, in the order of a survey (`batch-list-survey.ts`). A list that refuses the key or asks to
 * wait ends it: what was not seen stays as it is. Errors: only the observer's own.
 */
export async function observeBatches(
  deps: Deps,
  open: readonly OpenBatch[],
  { rotation, first }: { rotation: number; first: readonly string[] },
  observer: Observer,
): Promise<SurveyReport> {
  const survey = new BatchListSurvey(open, rotation, first);
  const report: SurveyReport = { calls: 0, cutShort: false, broken: false, left: [] };
  let heldUp = false;
  const make = async (call: SurveyCall): Promise<void> => {
    report.cutShort ||= observer.isOver();
    if (heldUp || report.cutShort) return;
    report.calls += 1;
    if (call.do === 'retrieve') return retrieve(deps, call.open, observer);
    const sightings = await list(deps, survey, call).catch((failure: unknown) => {
      heldUp ||= isBackpressure(failure);
      if (!heldUp) survey.noteFailed();
      noteListFailure(deps, report, call, failure);
      return [];
    });
    await inParallel(sightings, AT_ONCE_OF_A_PAGE, (sighting) =>
      observer.seen(sighting.open, sighting.observed),
    );
  };
  for (let calls = survey.next(); calls.length > 0; calls = survey.next()) {
    await inParallel(calls, AT_ONCE, make);
    if (heldUp || report.cutShort) break; // the survey would ask again
  }
  return { ...report, left: survey.left() };
}

async function list({ api }: Deps, survey: BatchListSurvey, call: ListCall): Promise<Sighting[]> {
  const { limit, after } = call;
  const page = await api.listBatches({ limit, ...(after === undefined ? {} : { after: after.batchId }) });
  return survey.noteList(call, page);
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
    const from = clock.now() + Math.min(afterSeconds * 1000, MAX_HOLD_MS);
    report.observeFrom = Math.max(from, report.observeFrom ?? 0);
  } else {
    log.error('list_failed_unexpectedly', facts, failure);
    report.broken = true;
  }
}
