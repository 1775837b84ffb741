import type { Clock, EventBus, Ledger, Log } from '../../ports/ports.ts';
import { createDynamoDbLedger } from '../dynamodb/ledger.ts';
import { createTableCalls } from './compose-table-calls.ts';
import { createEmfMetrics, type EmfMetrics } from './emf-metrics.ts';
import { createJsonLog } from './json-log.ts';
import { lateBus, loadedOnce } from './late-ports.ts';
import { systemClock } from './system-clock.ts';
import { tracedIfAsked } from './traced.ts';

/*
 * Parts of the composition roots, each made from the function's environment. Only the ledger's client is loaded at the
 * start. The others are loaded when they are first used. A part that only some functions need has its own file
 * (`compose-….ts`), so that a bundle contains only what its index.ts imports: CANCEL has no S3 client.
 */

/** The place of the results. */
export interface ResultsPlace {
  RESULTS_BUCKET: string;
  RESULTS_PREFIX?: string;
}

/** The dependencies that every function has. */
export interface Basics {
  ledger: Ledger;
  bus: EventBus;
  instance: string;
  resultsBucket: string;
  resultsPrefix?: string;
  clock: Clock;
  log: Log;
  metrics: EmfMetrics;
}

/** `service`: the name of the function in its log. */
export function createBasics(
  service: string,
  env: { INSTANCE: string; LEDGER_TABLE: string; EVENT_BUS_ARN: string } & ResultsPlace,
): Basics {
  return tracedIfAsked({
    ledger: createDynamoDbLedger({
      calls: createTableCalls(),
      tableName: env.LEDGER_TABLE,
      clock: systemClock,
    }),
    bus: lateBus(
      loadedOnce(async () => (await import('../eventbridge/open-bus.ts')).openBus(env.EVENT_BUS_ARN)),
    ),
    instance: env.INSTANCE,
    resultsBucket: env.RESULTS_BUCKET,
    ...(env.RESULTS_PREFIX === undefined ? {} : { resultsPrefix: env.RESULTS_PREFIX }),
    clock: systemClock,
    log: createJsonLog(service),
    metrics: createEmfMetrics({ service: env.INSTANCE }),
  });
}
