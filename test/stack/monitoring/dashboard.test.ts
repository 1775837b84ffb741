import { describe, expect, it } from 'vitest';
import { METRIC_UNITS } from '../../../functions/shared/contract/metrics.ts';
import { synthesize } from '../synthesis.ts';
import { at, list, resources } from '../template-reading.ts';

const template = synthesize();
const withWebhooks = synthesize({ webhook: {} });

/** Returns the widgets as CloudWatch receives them, with references as construct paths. */
function widgets(of = template): Record<string, unknown>[] {
  const [page, ...others] = resources(of, 'AWS::CloudWatch::Dashboard');
  expect(others).toEqual([]);
  const pieces = list(at(page?.Properties, 'DashboardBody', 'Fn::Join', 1));
  const text = pieces.map((piece) => (typeof piece === 'string' ? piece : refName(piece))).join('');
  return list(at(JSON.parse(text), 'widgets')).map(Object);
}

function refName(piece: unknown): string {
  const id = at(piece, 'Ref') ?? at(piece, 'Fn::GetAtt', 0);
  return String(id)
    .replace(/^Batchdrop/, '')
    .replace(/[0-9A-F]{8}$/, '');
}

/** Returns what a widget shows: the metric, dimension and statistic of each line. */
function lines(title: string): string[] {
  const widget = widgets().find(({ properties }) => at(properties, 'title') === title);
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
    const [first] = widgets();
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
      widgets(withWebhooks).flatMap(({ properties }) =>
        list(at(properties, 'metrics')).map((metric) => at(metric, 1)),
      ),
    );
    expect(Object.keys(METRIC_UNITS).filter((name) => !drawn.has(name))).toEqual(['OpenBatches', 'Ticks']);
  });

  it('fills every row and has no fixed name', () => {
    const [page] = resources(template, 'AWS::CloudWatch::Dashboard');
    expect(at(page?.Properties, 'DashboardName')).toBeUndefined();
    const rows = Map.groupBy(widgets(), ({ y }) => y);
    expect(rows.size).toBe(7);
    for (const row of rows.values()) expect(row.reduce((sum, { width }) => sum + Number(width), 0)).toBe(24);
  });
});
