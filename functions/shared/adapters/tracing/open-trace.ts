import { createOpenTelemetryTrace } from './open-telemetry.ts';
import type { Trace } from './touched.ts';
import { createXRayTrace } from './xray.ts';

/** Opens the tracing that the function's environment names. Errors: an Error for an unknown one. */
export function openTrace(tracing: string): Trace {
  if (tracing === 'xray') return createXRayTrace(process.env);
  if (tracing === 'otel') return createOpenTelemetryTrace();
  throw new Error(`BATCHDROP_TRACING is ${tracing}; it must be xray or otel`);
}
