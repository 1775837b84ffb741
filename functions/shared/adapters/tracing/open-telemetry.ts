/**
 * Annotations for OpenTelemetry: the work on each job is a span in the trace that a Lambda layer records. The layer brings
 * `@opentelemetry/api`, which registers itself under a
 * [global symbol](https://github.com/open-telemetry/opentelemetry-js/blob/main/api/src/internal/global-utils.ts); nothing of it is
 * in the bundle. Without a layer, nothing happens.
 */
import { MAX_ANNOTATED, type Trace, WORK_NAME } from './touched.ts';

/** What is used of the API's global. */
interface OpenTelemetryApi {
  trace?: {
    getTracer(name: string): {
      startSpan(name: string, options: object, context: unknown): { end(): void };
    };
  };
  context?: { active(): unknown };
}

const API = Symbol.for('opentelemetry.js.api.1');

/** The collector makes annotations of X-Ray from the attributes that this one names. */
const INDEXED = { 'aws.xray.annotations': ['jobId', 'batchId'] };

export function createOpenTelemetryTrace(): Trace {
  return {
    async annotate(touched, from) {
      const { trace, context }: OpenTelemetryApi = Reflect.get(globalThis, API) ?? {};
      if (!trace || !context) return;
      const tracer = trace.getTracer('batchdrop');
      for (const { jobId, batchId } of touched.slice(0, MAX_ANNOTATED)) {
        const attributes = { jobId, ...(batchId === undefined ? {} : { batchId }), ...INDEXED };
        tracer.startSpan(WORK_NAME, { attributes, startTime: from }, context.active()).end();
      }
    },
  };
}
