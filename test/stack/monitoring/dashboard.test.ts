import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { dashboardPicture } from '../../../docs/write-dashboard.ts';
import { METRIC_UNITS } from '../../../functions/shared/contract/metrics.ts';
import { synthesize } from '../synthesis.ts';
import { at, list, resources } from '../template-reading.ts';
import { widgetsIn } from './dashboard-widgets.ts';

const template = synthesize({ monitoring: 'full' });
const complete = synthesize({ monitoring: 'full', webhook: {}, budget: { perDay: 10 } });

/** Returns what a widget shows: the metric, dimension and statistic of each line. */
function lines(title: string): string[] {
  const widget = widgetsIn(template).find((one) => one.title === title);
  const metrics = list(at(widget, 'properties', 'metrics')).map(list);
  return metrics.map(([, name, , whose, options]) => {
    const { stat = 'Average' } = Object(options);
    return `${name} ${whose} ${stat}`;
  });
}

const ours = (stat: string, ...names: string[]) => names.map((name) => `${name} Example.Batchdrop ${stat}`);
const QUEUES = ['Intake', 'Submission', 'Delivery', 'Cancellation', 'Approval'];
const FUNCTIONS = ['Intake', 'Submission', 'Polling', 'Delivery', 'Cancellation', 'Approval'];

describe('the dashboard', () => {
  it('starts with every alarm', () => {
    const [first] = widgetsIn(template);
    expect(first?.type).toBe('alarm');
    expect(list(at(first, 'properties', 'alarms'))).toHaveLength(37);
  });

  it.each([
    [
      'Files by status',
      ours(
        'Sum',
        ...[
          'Unapproved',
          'Accepted',
          'Rejected',
          'Joined',
          'Submitted',
          'Completed',
          'Failed',
          'Expired',
          'Cancelled',
        ].map((status) => `Jobs${status}`),
      ),
    ],
    ['Batches created', ours('Sum', 'BatchesCreated')],
    [
      'Needs attention',
      ours(
        'Sum',
        'KeyRefused',
        'AccountRefused',
        'PublishFailures',
        'SecondBatches',
        'CreateUncertain',
        'Stalled',
        'TriesUsedUp',
        'ApprovalsExpired',
        'RefusedAlone',
        'ResultsWaiting',
        'ResultsExpiring',
      ),
    ],
    [
      'Steps that had to wait, by reason',
      ours(
        'Sum',
        ...['TokenLimit', 'Capacity', 'Budget', 'Account', 'Storage', 'File', 'Connection', 'Results'].map(
          (reason) => `WaitsFor${reason}`,
        ),
      ),
    ],
    ['Learned enqueued limits (batchdrop list --limits)', ours('Sum', 'LimitsLearned')],
    ['Budgets', ours('Maximum', 'BudgetNear', 'BudgetReached', 'PriceUnknown')],
    [
      'Open batches by status',
      ours(
        'Maximum',
        ...['Validating', 'InProgress', 'Finalizing', 'Cancelling', 'Other'].map(
          (status) => `OpenBatches${status}`,
        ),
      ),
    ],
    ['Age of the oldest open batch, seconds', ours('Maximum', 'OldestOpenAge')],
    [
      'From the end of a batch to its event, seconds',
      ['p50', 'p90', 'Maximum'].flatMap((stat) => ours(stat, 'DetectionLatency')),
    ],
    [
      'Rows by outcome',
      ours('Sum', 'RowsSucceeded', 'RowsFailed', 'RowsExpired', 'RowsCancelled', 'RowsMissing'),
    ],
    ['Tokens', ours('Sum', 'InputTokens', 'OutputTokens')],
    [
      'Messages waiting',
      QUEUES.map((stage) => `ApproximateNumberOfMessagesVisible ${stage}WorkQueue Maximum`),
    ],
    [
      'Age of the oldest message, seconds',
      QUEUES.map((stage) => `ApproximateAgeOfOldestMessage ${stage}WorkQueue Maximum`),
    ],
    [
      'Dead letters',
      [...QUEUES.map((stage) => `${stage}WorkDeadLetters`), 'IntakeUndelivered'].map(
        (queue) => `ApproximateNumberOfMessagesVisible ${queue} Maximum`,
      ),
    ],
    ['Failed invocations', FUNCTIONS.map((stage) => `Errors ${stage}WorkerFunction Sum`)],
    ['Throttled invocations', FUNCTIONS.map((stage) => `Throttles ${stage}WorkerFunction Sum`)],
    ['Longest invocation, milliseconds', FUNCTIONS.map((stage) => `Duration ${stage}WorkerFunction Maximum`)],
  ])('shows %s', (title, drawn) => {
    expect(lines(title)).toEqual(drawn);
  });

  it('shows every metric except the heartbeat and the sum of the statuses', () => {
    const drawn = new Set(
      widgetsIn(complete).flatMap(({ properties }) =>
        list(at(properties, 'metrics')).map((metric) => at(metric, 1)),
      ),
    );
    expect(Object.keys(METRIC_UNITS).filter((name) => !drawn.has(name))).toEqual(['OpenBatches', 'Ticks']);
  });

  it('fills every row and has no fixed name', () => {
    const [page] = resources(template, 'AWS::CloudWatch::Dashboard');
    expect(at(page?.Properties, 'DashboardName')).toBeUndefined();
    const rows = Map.groupBy(widgetsIn(template), ({ y }) => y);
    expect(rows.size).toBe(7);
    for (const row of rows.values()) expect(row.reduce((sum, { width }) => sum + width, 0)).toBe(24);
  });

  it('is drawn in docs/dashboard.svg (to update it: `npm run docs:dashboard`)', () => {
    expect(readFileSync('docs/dashboard.svg', 'utf8')).toBe(dashboardPicture(complete));
  });
});
