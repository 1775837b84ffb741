import { IDLE_TICK_NOTED_MS } from '../functions/shared/domain/ledger-records.ts';
import {
  type CountedCalls,
  type Counts,
  ofAll,
  plusByFunction,
  sumOf,
} from '../test/bench/calls/call-counts.ts';

/** List prices of us-east-1 in dollars. */
const PRICE = {
  egressGb: 0.09,
  egressGbAbove10Tb: 0.085,
  storageGbMonth: 0.023,
  s3Write: 0.005 / 1e3,
  s3Read: 0.0004 / 1e3,
  lambdaGbSecond: 0.0000133334,
  invocation: 0.2 / 1e6,
  diskGbSecond: 0.0000000309,
  writeUnit: 0.625 / 1e6,
  readUnit: 0.125 / 1e6,
  ledgerGbMonth: 0.25 + 0.2, // storage, and point-in-time recovery
  event: 1 / 1e6,
  queueRequest: 0.4 / 1e6,
  logGb: 0.5,
  keyRead: 0.05 / 1e4,
  secretMonth: 0.4,
  alarmMonth: 0.1, // for each metric of the alarm
  metricMonth: 0.3,
  dashboardMonth: 3,
};

/** What one batch uses in addition to the counted calls: 20 MB of requests, 20 MB of results. */
const BATCH = {
  gb: 0.02,
  gbMonths: 0.02 * 1 + 0.02 * 2, // results for one month, the request file for two
  lambdaGbSeconds: 14 * 0.5, // assumed
  diskGbSeconds: 9.5 * 3,
  ledgerGbMonths: 4.5e-6 * 3,
  logGb: 6e-6, // assumed
  uploadRequests: 5, // `aws s3 cp` sends parts of 8 MB
  quartersOfAnHour: 3, // the batch ends within an hour
};

/**
 * What each tier of the prop `monitoring` creates: the metrics of all alarms, dashboards, metrics that are reported while nothing
 * happens (the heartbeat), and queues whose function has a maximum concurrency. A test counts the templates.
 */
export const TIERS = {
  none: { alarmMetrics: 0, dashboards: 0, idleMetrics: 0, limitedQueues: 0 },
  basic: { alarmMetrics: 8, dashboards: 0, idleMetrics: 1, limitedQueues: 3 },
  full: { alarmMetrics: 37, dashboards: 1, idleMetrics: 1, limitedQueues: 3 },
};

type Tier = keyof typeof TIERS;

const QUEUES = 5; // that Lambda reads

/** The tier of the tables that show only one. */
const DEFAULT_TIER: Tier = 'basic';

/** What AWS never bills, if nothing else in the account uses it: per month, also after the first year. */
const FREE = {
  alarmMetrics: 10,
  metrics: 10,
  queueRequests: 1e6,
  invocations: 1e6,
  lambdaGbSeconds: 400_000,
  logGb: 5,
};

/** Lambda reads an idle queue with five readers, or with two if the event source has no maximum concurrency. */
export const READERS = { limited: 5, unlimited: 2 };
const LONG_POLLS_PER_READER = 129_600; // of 20 s

/** What an idle stack uses in a month of 30 days, in addition to the counted calls and its tier. */
export const MONTH = {
  ticks: 43_200, // one per minute
  tickGbSeconds: 0.2 * 0.25, // assumed
  tickLogGb: 0.6e-6, // assumed: an idle tick writes only the two lines of Lambda
  // A process caches the API key for five minutes. Assumed: one process of POLL, and ten of SUBMIT and DELIVER.
  maxKeyReads: { poll: 8_640, others: 10 * 8_640 },
};

/**
 * The columns of the monthly table. `metrics` and `ticks` are estimated dollars, because CloudWatch bills a metric for
 * each hour with values.
 */
const COLUMNS = [
  { batches: 100, metrics: 1.1, ticks: 0 },
  { batches: 10_000, metrics: 3.9, ticks: 0.02 },
  { batches: 1_000_000, metrics: 3.9, ticks: 1.2 },
];

/** Returns the billed units of one batch, by service. */
export function unitsOfBatch(calls: CountedCalls) {
  const all = ofAll(plusByFunction(calls.largeJob, calls.quarterOfAnHour, BATCH.quartersOfAnHour));
  const messages = sumOf(all, /^messages received/);
  return {
    s3Writes: BATCH.uploadRequests + sumOf(all, /^S3 (Put|Copy|List|Create|Upload|Complete)/),
    s3Reads: sumOf(all, /^S3 (Get|Head)/),
    invocations: sumOf(all, /^invocations/),
    writeUnits: sumOf(all, /^write units/),
    readUnits: sumOf(all, /^read units/),
    events: sumOf(all, /^events published/),
    messages,
    queueRequests: sumOf(all, /^SQS /) + 1 + 2 * messages, // EventBridge sends one message; Lambda receives and deletes each
    keyReads: sumOf(all, /^Secrets Manager/),
  };
}

/** Returns the cost of one batch in dollars, by service. */
export function dollarsOfBatch(calls: CountedCalls) {
  const units = unitsOfBatch(calls);
  return {
    egress: BATCH.gb * PRICE.egressGb,
    storage: BATCH.gbMonths * PRICE.storageGbMonth,
    s3Requests: units.s3Writes * PRICE.s3Write + units.s3Reads * PRICE.s3Read,
    lambda:
      BATCH.lambdaGbSeconds * PRICE.lambdaGbSecond +
      units.invocations * PRICE.invocation +
      BATCH.diskGbSeconds * PRICE.diskGbSecond,
    ledgerWrites: units.writeUnits * PRICE.writeUnit,
    ledgerReads: units.readUnits * PRICE.readUnit,
    ledgerStorage: BATCH.ledgerGbMonths * PRICE.ledgerGbMonth,
    events: (units.events + 1) * PRICE.event, // and one event from S3
    queues: units.queueRequests * PRICE.queueRequest,
    logs: BATCH.logGb * PRICE.logGb,
  };
}

/** Returns the cost in dollars of the ledger calls of all ticks in an idle month. */
export function ledgerOfTicks({ tick, idleTick }: CountedCalls): number {
  const dollarsOf = (counts: Counts) =>
    sumOf(counts, /^write units/) * PRICE.writeUnit + sumOf(counts, /^read units/) * PRICE.readUnit;
  const storing = 60_000 / IDLE_TICK_NOTED_MS; // of the ticks, which run once per minute
  return MONTH.ticks * (storing * dollarsOf(tick) + (1 - storing) * dollarsOf(idleTick));
}

/** Returns the monthly cost of an idle stack in dollars, by item. */
export function dollarsOfIdle(calls: CountedCalls, tier: Tier) {
  const { alarmMetrics, dashboards, idleMetrics, limitedQueues } = TIERS[tier];
  return {
    dashboard: dashboards * PRICE.dashboardMonth,
    alarms: alarmMetrics * PRICE.alarmMonth,
    queues: idleQueueRequests(limitedQueues) * PRICE.queueRequest,
    metrics: idleMetrics * PRICE.metricMonth,
    secret: PRICE.secretMonth,
    poll:
      MONTH.ticks * (MONTH.tickGbSeconds * PRICE.lambdaGbSecond + PRICE.invocation) +
      MONTH.ticks * MONTH.tickLogGb * PRICE.logGb +
      ledgerOfTicks(calls),
  };
}

/** Returns the monthly cost of an idle stack in dollars, as the sum of the rounded amounts on the page. */
export function idleDollars(calls: CountedCalls, tier: Tier = DEFAULT_TIER): number {
  const amounts = Object.values(dollarsOfIdle(calls, tier));
  return amounts.reduce((sum, dollars) => sum + Number(dollars.toFixed(2)), 0);
}

/** Returns the requests with which Lambda reads the queues of an idle stack in a month. */
export function idleQueueRequests(limitedQueues: number): number {
  const readers = limitedQueues * READERS.limited + (QUEUES - limitedQueues) * READERS.unlimited;
  return readers * LONG_POLLS_PER_READER;
}

/** Returns what an idle stack costs less with `maxConcurrency: 0`, as the page rounds it. */
export function dollarsOfMaximum(tier: Tier): number {
  const dollarsOf = (limited: number) => Number((idleQueueRequests(limited) * PRICE.queueRequest).toFixed(2));
  return dollarsOf(TIERS[tier].limitedQueues) - dollarsOf(0);
}

/** Returns the dollars of an idle stack that AWS does not bill in an account that has nothing else. */
export function freeOfIdle(tier: Tier): number {
  const { alarmMetrics, idleMetrics, limitedQueues } = TIERS[tier];
  const unbilled: [used: number, free: number, price: number][] = [
    [alarmMetrics, FREE.alarmMetrics, PRICE.alarmMonth],
    [idleMetrics, FREE.metrics, PRICE.metricMonth],
    [idleQueueRequests(limitedQueues), FREE.queueRequests, PRICE.queueRequest],
    [MONTH.ticks, FREE.invocations, PRICE.invocation],
    [MONTH.ticks * MONTH.tickGbSeconds, FREE.lambdaGbSeconds, PRICE.lambdaGbSecond],
    [MONTH.ticks * MONTH.tickLogGb, FREE.logGb, PRICE.logGb],
  ];
  return unbilled.reduce((sum, [used, free, price]) => sum + Math.min(used, free) * price, 0);
}

/** Returns the rows of the monthly table: a service, and its dollars per column. */
export function monthLines(calls: CountedCalls): [string, number[]][] {
  const dollars = dollarsOfBatch(calls);
  const { keyReads } = unitsOfBatch(calls);
  const each = (of: (column: (typeof COLUMNS)[number]) => number) => COLUMNS.map(of);
  const times = (ofOne: number) => each(({ batches }) => batches * ofOne);
  return [
    ['data transfer: egress to OpenAI', each(({ batches }) => egress(batches * BATCH.gb))],
    ['S3: storage', times(dollars.storage)],
    ['S3: requests', times(dollars.s3Requests)],
    ['Lambda: INTAKE, SUBMIT, DELIVER', times(dollars.lambda)],
    ['DynamoDB: the ledger', times(dollars.ledgerWrites + dollars.ledgerReads + dollars.ledgerStorage)],
    ['EventBridge: events', times(dollars.events)],
    ['SQS: messages', times(dollars.queues)],
    ['CloudWatch Logs', times(dollars.logs)],
    ['CloudWatch: metrics, in addition to idle', each(({ metrics }) => metrics)],
    ['Secrets Manager: reading the key', each(({ batches }) => keyDollars(batches, keyReads))],
    ['POLL: ticks, in addition to idle', each(({ ticks }) => ticks)],
    ['[idle](#idle)', each(() => idleDollars(calls))],
  ];
}

function egress(gb: number): number {
  const cheaper = Math.max(0, gb - 10_240);
  return (gb - cheaper) * PRICE.egressGb + cheaper * PRICE.egressGbAbove10Tb;
}

function keyDollars(batches: number, readsOfBatch: number): number {
  const { poll, others } = MONTH.maxKeyReads;
  const ofPoll = Math.min(batches * 4 * BATCH.quartersOfAnHour, poll); // POLL reads the key every five minutes while a batch is open
  return (ofPoll + Math.min(batches * readsOfBatch, others)) * PRICE.keyRead;
}

/** Returns the total monthly cost for each number of batches. README.md also shows it. */
export function monthTotals(calls: CountedCalls): { batches: string; dollars: string }[] {
  return COLUMNS.map(({ batches }, column) => {
    const sum = monthLines(calls).reduce((all, [, dollars]) => all + (dollars[column] ?? 0), 0);
    const rounded = sum < 100 ? Math.round(sum) : Number(sum.toPrecision(3));
    return { batches: batches.toLocaleString('en-US'), dollars: `$${rounded.toLocaleString('en-US')}` };
  });
}
