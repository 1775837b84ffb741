import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { synthesizedStack } from '../../../bin/up/synthesis.ts';
import type { AwsEvent } from '../../../local/aws/events/event.ts';
import type { Decision } from '../../../local/aws/iam/authorizer.ts';
import { type Clock, VirtualClock } from '../../../local/clock.ts';
import { startBatchApi } from '../../../local/openai/server.ts';
import { openState } from '../../../local/openai/state.ts';
import { newSecret } from '../../../local/openai/webhooks/send-webhook.ts';
import { RecordedRuntime } from '../../local/iam/recorded-runtime.ts';
import { type Exchange, startCountingProxy } from '../calls/counting-proxy.ts';

/** The number of files. One file per batch would take minutes. */
export const FILES = 20;
const SHORTEST_MS = 45_000; // by then, all batches have been created
const SPREAD_MS = 100_000;
const MAX_WAIT_MS = 300_000;
const SECRET = newSecret();

/** How the ends of some batches were found. */
export interface FoundEnds {
  /** The time from each end at the API to its event on the bus. */
  readonly seconds: number[];
  /** How many of them WEBHOOK found. */
  readonly byWebhook: number;
  readonly ticks: number;
  /** The calls of WEBHOOK and POLL, by kind. */
  readonly calls: ReadonlyMap<string, number>;
}

/** Runs batches of one row each on one machine in real time. `context`: as in `cdk deploy -c`. */
export async function findEnds(batches: number, context: Record<string, string>): Promise<FoundEnds> {
  const directory = mkdtempSync(join(tmpdir(), 'batchdrop-webhooks-'));
  const clock = new VirtualClock();
  const timing = {
    validating: () => 1_000,
    inProgress: ({ random }: { random: () => number }) => SHORTEST_MS + random() * SPREAD_MS,
    finalizing: () => 1_000,
  };
  const api = await startBatchApi({ directory, clock, timing });
  const calls = new Calls();
  const proxy = await startCountingProxy(api.url, (exchange) => calls.noteApiCall(exchange));
  const heardAt = new Map<string, number>();
  const runtime = await RecordedRuntime.start(await synthesizedStack({ context }), {
    speed: 1,
    api: { kind: 'server', apiKey: 'sk-bench', baseUrl: `${proxy.url}/v1`, webhookSecret: SECRET },
    onEvent: (event) => {
      const batchId = endedBatch(event);
      if (batchId !== undefined && !heardAt.has(batchId)) heardAt.set(batchId, clock.now());
    },
  });
  try {
    const { webhookUrl } = runtime.names;
    if (webhookUrl !== undefined) api.registerWebhook({ name: 'bench', url: webhookUrl, secret: SECRET });
    for (let file = 0; file < FILES; file += 1)
      await runtime.drop(`bench/${file}.jsonl`, oneBatchPerRow(file, batches / FILES));
    await runtime.until('the ends of all batches', () => heardAt.size >= batches, MAX_WAIT_MS);
    for (const decision of runtime.decisions) calls.noteLedgerCall(decision);
    const ticks = metricOf(runtime, 'polling', 'Ticks');
    const byWebhook = webhookUrl === undefined ? 0 : metricOf(runtime, 'webhooks', 'EndsByWebhook');
    // The functions call the server until they end, and its database serves one process at a time.
    await runtime.close();
    await api.close();
    return { seconds: secondsUntil(heardAt, { directory, clock }), byWebhook, ticks, calls: calls.counts };
  } finally {
    proxy.close();
    clock.close();
    rmSync(directory, { recursive: true });
  }
}

/** Each model runs in its own batch. */
function oneBatchPerRow(file: number, rows: number): string {
  return Array.from({ length: rows }, (_, at) => {
    const body = { model: `model-${at}`, messages: [{ role: 'user', content: `Say ${file}` }] };
    return `${JSON.stringify({ custom_id: `row-${at}`, method: 'POST', url: '/v1/chat/completions', body })}\n`;
  }).join('');
}

function endedBatch({ 'detail-type': type, detail }: AwsEvent): string | undefined {
  const { batchId, status } = Object(Object(detail).data);
  return type === 'OpenAI Batch Status Change' && status === 'completed' ? batchId : undefined;
}

/** The API reports the time of an end in whole seconds. Its database has the milliseconds. */
function secondsUntil(
  heardAt: ReadonlyMap<string, number>,
  server: { directory: string; clock: Clock },
): number[] {
  const { database, batches } = openState(server);
  const seconds = [...heardAt].map(([batchId, at]) => {
    const endedMs = batches.find(batchId)?.completedMs;
    if (endedMs === undefined || endedMs === null) throw new Error(`${batchId} has not completed`);
    return (at - endedMs) / 1_000;
  });
  database.close();
  return seconds;
}

/** Returns the sum of a metric in the log of a stage's function. */
function metricOf({ directory }: RecordedRuntime, stage: string, name: string): number {
  const log = readFileSync(join(directory, 'logs', `batchdrop-${stage}-worker-function.log`), 'utf8');
  const values = log
    .split('\n')
    .filter(Boolean)
    .map((line): unknown => JSON.parse(line)[name] ?? 0);
  return values.flat().reduce((sum: number, value) => sum + Number(value), 0);
}

/** Counts the calls of WEBHOOK and POLL. The other functions make the same calls with and without webhooks. */
class Calls {
  readonly counts = new Map<string, number>();

  noteApiCall({ request }: Exchange): void {
    const [path = ''] = (request.url ?? '').split('?');
    if (request.method !== 'GET' || !path.startsWith('/v1/batches')) return;
    this.#count(path === '/v1/batches' ? 'Batch API: pages of the list' : 'Batch API: batches retrieved');
  }

  noteLedgerCall({ request: { action, principal } }: Decision): void {
    if (!action.startsWith('dynamodb:') || principal.kind !== 'role') return;
    const [, stage] = /-(webhooks|polling)-/.exec(principal.sessionName) ?? [];
    if (stage === undefined) return;
    const kind = /:(Get|Query)/.test(action) ? 'reads' : 'writes';
    this.#count(`ledger: ${kind} of ${stage === 'polling' ? 'POLL' : 'WEBHOOK'}`);
  }

  #count(kind: string): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }
}
