import type { Ledger } from '../../ports/ports.ts';
import type { Touched, Trace } from '../tracing/touched.ts';
import type { EmfMetrics } from './emf-metrics.ts';
import { type Load, loadedOnce } from './late-ports.ts';

/** What is traced: the items that go through the ledger during an invocation. */
interface Traceable {
  ledger: Pick<Ledger, 'readJob'>;
  metrics: EmfMetrics;
}

/** The calls of the ledger that change a job or a part. Reads alone are no work on a job: POLL reads many. */
export const CHANGES: ReadonlySet<string> = new Set(['createJob', 'replaceJob', 'createPart', 'replacePart']);

/** For a function that changes no job, but tells somebody about it. */
export const READS: ReadonlySet<string> = new Set(['readJob']);

/**
 * Returns the dependencies with tracing, if the environment asks for it: what goes through these calls of the ledger is added to
 * the trace of the invocation. Otherwise returns them as they are, and no code of tracing is loaded.
 */
export function tracedIfAsked<B extends Traceable>(basics: B, calls: ReadonlySet<string> = CHANGES): B {
  const { BATCHDROP_TRACING: tracing } = process.env;
  if (tracing === undefined) return basics;
  const load = loadedOnce(async () => (await import('../tracing/open-trace.ts')).openTrace(tracing));
  return traced(basics, calls, load);
}

function traced<B extends Traceable>(basics: B, calls: ReadonlySet<string>, load: Load<Trace>): B {
  const { ledger, metrics } = basics;
  const touched = new Map<string, Touched>();
  return {
    ...basics,
    ledger: watched(ledger, calls, (item) => note(touched, item)),
    metrics: {
      record: (...args) => metrics.record(...args),
      async during(work) {
        touched.clear();
        const from = Date.now();
        try {
          return await metrics.during(work);
        } finally {
          const trace = await load();
          await trace.annotate([...touched.values()], from);
        }
      },
    },
  };
}

/** Returns the ledger, which tells of the items of these calls. A call that changed nothing is not told. */
function watched<L extends object>(ledger: L, calls: ReadonlySet<string>, tell: (item: unknown) => void): L {
  return new Proxy(ledger, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      const call = (args: unknown[]): unknown => Reflect.apply(member, target, args);
      if (typeof name !== 'string' || !calls.has(name)) return (...args: unknown[]) => call(args);
      return async (...args: unknown[]) => {
        const result = await call(args);
        if (result !== false) tell(result === true ? args[0] : result);
        return result;
      };
    },
  });
}

/** Keeps a job or part once with each of its batches, and without a batch only as long as none is known. */
function note(touched: Map<string, Touched>, item: unknown): void {
  const { jobId, batch } = Object(item);
  if (typeof jobId !== 'string') return;
  const { batchId } = Object(batch);
  if (typeof batchId === 'string') {
    touched.delete(jobId);
    touched.set(`${jobId} ${batchId}`, { jobId, batchId });
  } else if (![...touched.values()].some((known) => known.jobId === jobId)) {
    touched.set(jobId, { jobId });
  }
}
