/**
 * The runtime as a child process of the chaos run: `up` without its output for people, with faults of the Batch API.
 */
import { readFaultPlan } from '../../local/openai/faults/faults-file.ts';
import { DataDirectory } from '../../local/runtime/data-directory.ts';
import { startRuntime } from '../../local/runtime/runtime.ts';
import type { RuntimeEndpoints } from '../../local/runtime/runtime-endpoints.ts';

/** The arguments of the process, as JSON on its command line. */
export interface RuntimeOrder {
  readonly data: string;
  readonly assembly: string;
  readonly port: number;
  readonly speed: number;
  readonly seed: number;
  readonly faultFile: string;
}

/** A message to its parent. */
export type RuntimeReport = { readonly names: RuntimeEndpoints } | { readonly problem: string };

const report = (said: RuntimeReport) => process.send?.(said);
const order: RuntimeOrder = JSON.parse(process.argv[2] ?? '{}');
process.on('disconnect', () => process.exit(1)); // nothing outlives the run

const runtime = await startRuntime({
  data: new DataDirectory(order.data, 'local'),
  assemblyDirectory: order.assembly,
  port: order.port,
  speed: order.speed,
  api: { kind: 'local', faults: readFaultPlan(order.faultFile), seed: order.seed },
  onEvent: () => {},
  onProblem: (problem) => report({ problem }),
});
report({ names: runtime.endpoints });
