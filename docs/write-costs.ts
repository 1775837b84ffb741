/**
 * Writes the generated tables of docs/costs.md: `npm run docs:costs`. The number of calls comes from
 * test/bench/calls/counted-calls.json, which `npm run bench:calls -- --write` writes. Sizes, times, and prices are in
 * cost-arithmetic.ts. A test compares the page with the output.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { IDLE_TICK_NOTED_MS } from '../functions/shared/domain/ledger-records.ts';
import { type CountedCalls, type Counts, sumOf } from '../test/bench/calls/call-counts.ts';
import { callsTable, moreCallsTable, table } from '../test/bench/calls/calls-table.ts';
import counted from '../test/bench/calls/counted-calls.json' with { type: 'json' };
import {
  dollarsOfBatch,
  dollarsOfIdle,
  dollarsOfMaximum,
  freeOfIdle,
  idleDollars,
  ledgerOfTicks,
  monthLines,
  monthTotals,
  TIERS,
  unitsOfBatch,
} from './cost-arithmetic.ts';

const PAGE = new URL('costs.md', import.meta.url);

const S3_PRICES =
  'https://devnotes.tech/understanding-aws-s3-pricing-a-complete-cost-breakdown-with-examples';
const CLOUDWATCH_PRICES =
  'https://www.factualminds.com/blog/amazon-cloudwatch-pricing-metrics-logs-alarms-dashboards/';

/** The list prices in Markdown, with their sources. */
const SHOWN_PRICES = {
  egress:
    '[$0.09 per GB](https://wring.co/blog/aws-data-transfer-pricing-guide), above 10 TB per month $0.085',
  storage: `[$0.023 per GB and month](${S3_PRICES})`,
  s3Requests: `[$0.005 and $0.0004 per thousand](${S3_PRICES})`,
  lambda:
    '[$0.0000133334 per GB-second, $0.20 per million](https://cloudchipr.com/blog/aws-lambda-pricing); disk $0.0000000309 per GB-second',
  ledgerWrites: '[$0.625 per million](https://airbyte.com/data-engineering-resources/dynamodb-pricing)',
  ledgerReads: '$0.125 per million',
  ledgerStorage:
    '[$0.25](https://aws.amazon.com/dynamodb/pricing/), and for point-in-time recovery [$0.20](https://finops.com.py/services/dynamodb/backups), per GB and month',
  events: '[$1.00 per million](https://cloudburn.io/blog/amazon-eventbridge-pricing), up to 64 KB each',
  queues: '[$0.40 per million](https://okulbida.com/posts/aws-sqs-cost-surprises-short-polling)',
  logs: `[$0.50 per GB](${CLOUDWATCH_PRICES})`,
};

function batchTable(calls: CountedCalls): string {
  const units = unitsOfBatch(calls);
  const dollars = dollarsOfBatch(calls);
  const lambda = `14 s at 0.5 GB, assumed; ${units.invocations} invocations; 9.5 GB of disk for 3 s`;
  const lines: [keyof typeof dollars, string, string][] = [
    ['egress', 'egress', '0.02 GB for the rows that are sent; incoming results are free'],
    ['storage', 'S3 storage', 'results 0.02 GB for one month, the request file 0.02 GB for two'],
    ['s3Requests', 'S3 requests', `${units.s3Writes} writes and lists, ${units.s3Reads} reads`],
    ['lambda', 'Lambda, ARM', lambda],
    ['ledgerWrites', 'DynamoDB writes', `${units.writeUnits} units for the table and the index`],
    ['ledgerReads', 'DynamoDB reads', `${units.readUnits} units, all consistent reads`],
    ['ledgerStorage', 'DynamoDB storage', '4.5 KB for 90 days'],
    ['events', 'EventBridge', `${units.events} events, and one from S3`],
    ['queues', 'SQS', `${units.messages} messages, each sent, received and deleted`],
    ['logs', 'Logs', '6 KB, assumed'],
  ];
  const rows = lines.map(([name, service, used]) => [
    service,
    used,
    SHOWN_PRICES[name],
    `$${Number(dollars[name].toFixed(6))}`,
  ]);
  return table(['service', 'units', 'price', 'per batch'], rows);
}

function idleTable(calls: CountedCalls): string {
  const tiers = ['none', 'basic', 'full'] as const;
  const dollars = tiers.map((tier) => dollarsOfIdle(calls, tier));
  const [, basic, full] = tiers.map((tier) => TIERS[tier].alarmMetrics);
  const lines: [keyof ReturnType<typeof dollarsOfIdle>, string, string, string][] = [
    ['dashboard', 'dashboard', '1', `[$3](${CLOUDWATCH_PRICES})`],
    [
      'alarms',
      'alarms',
      `${basic} or ${full}, one metric each`,
      "$0.10 ([AWS's page](https://aws.amazon.com/cloudwatch/pricing/))",
    ],
    [
      'queues',
      "Lambda's polling of the five queues",
      'with `none` 5 × 2, otherwise 3 × 5 + 2 × 2, times 129,600 long polls of 20 s',
      '$0.40 per million',
    ],
    ['metrics', 'metric `Ticks`', '1', '[$0.30](https://signoz.io/guides/cloudwatch-pricing)'],
    [
      'secret',
      'secret',
      '1',
      '[$0.40, and $0.05 per 10,000 calls](https://hivebook.wiki/wiki/aws-secrets-manager-rotated-secrets-dynamic-db-credentials-kms)',
    ],
    ['poll', 'POLL', '43,200 ticks, one per minute', 'see below'],
  ];
  const rows = lines.map(([name, ...cells]) => [...cells, ...dollars.map((of) => orNone(of[name]))]);
  const totals = tiers.map((tier) => idleDollars(calls, tier));
  const unlimited = tiers.map((tier, nth) => inDollars((totals[nth] ?? 0) - dollarsOfMaximum(tier)));
  const free = tiers.map((tier, nth) => inDollars((totals[nth] ?? 0) - freeOfIdle(tier)));
  return table(
    ['what', 'how many', 'price', ...tiers.map((tier) => `\`${tier}\``)],
    [
      ...rows,
      ['**per month**', '', '', ...totals.map((total) => `**${inDollars(total)}**`)],
      ['with `maxConcurrency: 0`', '5 × 2 × 129,600 long polls of 20 s', '', ...unlimited],
      [
        'less what is always free',
        '10 alarms, 10 metrics, 1,000,000 queue requests, the ticks and logs of POLL',
        '',
        ...free,
      ],
    ],
  );
}

function orNone(dollars: number): string {
  return dollars === 0 ? '–' : inDollars(dollars);
}

function tickLine(calls: CountedCalls): string {
  const { tick, idleTick } = calls;
  const reads = (counts: Counts) => sumOf(counts, /^ledger GetItem|^index /);
  return [
    `A tick makes ${sumOf(tick, /^ledger PutItem/)} writes and ${reads(tick)} reads of the ledger:`,
    `${sumOf(tick, /^write units/)} write units and ${sumOf(tick, /^read units/)} read units`,
    `([0005](adr/0005-poll-by-list-windows.md)). While nothing is due, it makes only the ${reads(idleTick)} reads, and every`,
    `${IDLE_TICK_NOTED_MS / 60_000} minutes the writes. An idle stack pays ${inDollars(ledgerOfTicks(calls))} per month for them.`,
  ].join(' ');
}

function monthTable(calls: CountedCalls): string {
  const totals = monthTotals(calls);
  const rows = monthLines(calls).map(([service, dollars]) => [service, ...dollars.map(inDollars)]);
  const total = ['**total**', ...totals.map(({ dollars }) => `**${dollars}**`)];
  const [first = '', ...others] = totals.map(({ batches }) => batches);
  return table(['service', `${first} batches`, ...others], [...rows, total]);
}

function inDollars(dollars: number): string {
  if (dollars < 0.005) return 'under $0.01';
  return dollars < 100 ? `$${dollars.toFixed(2)}` : `$${Math.round(dollars).toLocaleString('en-US')}`;
}

/**
 * Returns the page with its generated sections computed from the counted calls. Errors: an Error if a section is
 * missing.
 */
export function costsPage(page: string, calls: CountedCalls = counted): string {
  const sections = {
    month: monthTable(calls),
    batch: batchTable(calls),
    calls: `${callsTable(calls)}\n\n${moreCallsTable(calls)}`,
    idle: idleTable(calls),
    tick: tickLine(calls),
  };
  return Object.entries(sections).reduce((text, [name, section]) => {
    const [begin, end] = [`<!-- ${name}, by \`npm run docs:costs\` -->\n\n`, `\n\n<!-- end of ${name} -->`];
    const [before, rest = ''] = text.split(begin);
    const [, after] = rest.split(end);
    if (after === undefined) throw new Error(`docs/costs.md has no section for: ${name}`);
    return `${before}${begin}${section}${end}${after}`;
  }, page);
}

/** Writes docs/costs.md. */
export function writeCostsPage(calls?: CountedCalls): void {
  writeFileSync(PAGE, costsPage(readFileSync(PAGE, 'utf8'), calls));
}

if (import.meta.main) writeCostsPage();
