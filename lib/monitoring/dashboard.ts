import { Duration } from 'aws-cdk-lib';
import {
  type Alarm,
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  type IMetric,
  type IWidget,
  type MetricOptions,
} from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { JOB_METRIC, METRIC_UNITS, type MetricName } from '../../functions/shared/contract/metrics.ts';
import type { WorkQueue } from '../resources/work-queue.ts';
import type { StageWorkers } from '../stages/stage-workers.ts';
import type { WorkerFunction } from '../stages/worker-function.ts';
import { batchdropMetric } from './batchdrop-metric.ts';

const COLUMNS = 24;
const SHOWN = Duration.days(1); // the completion window of a batch

interface BatchdropDashboardProps {
  instance: string;
  stages: StageWorkers;
  alarms: readonly Alarm[];
}

/** A dashboard with the alarms, the metrics behind them, and the throughput. */
export class BatchdropDashboard extends Construct {
  readonly #props: BatchdropDashboardProps;

  constructor(scope: Construct, id: string, props: BatchdropDashboardProps) {
    super(scope, id);
    this.#props = props;
    new Dashboard(this, 'Page', {
      defaultInterval: SHOWN,
      widgets: [
        [new AlarmStatusWidget({ title: 'Alarms', alarms: [...props.alarms], width: COLUMNS, height: 4 })],
        this.#throughput(),
        this.#open(),
        ...(props.stages.webhooks ? [this.#webhooks()] : []),
        this.#waits(),
        this.#results(),
        this.#queues(),
        this.#functions(),
      ],
    });
  }

  #throughput(): IWidget[] {
    const jobs = Object.entries(JOB_METRIC).map(([status, name]) => this.#metric(name, { label: status }));
    return row(
      graph('Files by status', jobs),
      graph('Batches created', [this.#metric('BatchesCreated')]),
      graph(
        'Needs attention',
        this.#metrics(
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
      ),
    );
  }

  #open(): IWidget[] {
    const most = { statistic: 'Maximum' };
    const byStatus = [
      'OpenBatchesValidating',
      'OpenBatchesInProgress',
      'OpenBatchesFinalizing',
      'OpenBatchesCancelling',
      'OpenBatchesOther',
    ] as const;
    const latency = ['p50', 'p90', 'Maximum'].map((statistic) =>
      this.#metric('DetectionLatency', { statistic, label: statistic }),
    );
    return row(
      graph(
        'Open batches by status',
        byStatus.map((name) => this.#metric(name, most)),
        { stacked: true },
      ),
      graph('Age of the oldest open batch, seconds', [this.#metric('OldestOpenAge', most)]),
      graph('From the end of a batch to its event, seconds', latency),
    );
  }

  /** Shows which function found the ends of batches, and how soon. */
  #webhooks(): IWidget[] {
    const p90 = { statistic: 'p90' };
    return row(
      graph(
        'Ends of batches, by the function that found them',
        this.#metrics('EndsByWebhook', 'EndsByPoll'),
        { stacked: true },
      ),
      graph('From the end of a batch until it is found, seconds, p90', [
        this.#metric('WebhookLatency', p90),
        this.#metric('PollLatency', p90),
      ]),
      graph('Webhooks', this.#metrics('WebhooksReceived', 'WebhooksRefused', 'WebhooksForeign')),
    );
  }

  /** Shows what steps had to wait for, and how many limits were learned from refusals. */
  #waits(): IWidget[] {
    const names = Object.entries(METRIC_UNITS)
      .map(([name]) => name)
      .filter((name): name is MetricName => name.startsWith('WaitsFor'));
    const most = { statistic: 'Maximum' };
    return row(
      graph('Steps that had to wait, by reason', this.#metrics(...names), { stacked: true }),
      graph('Learned enqueued limits (batchdrop list --limits)', this.#metrics('LimitsLearned')),
      graph('Budgets', [
        this.#metric('BudgetNear', most),
        this.#metric('BudgetReached', most),
        this.#metric('PriceUnknown', most),
      ]),
    );
  }

  #results(): IWidget[] {
    const outcomes = ['RowsSucceeded', 'RowsFailed', 'RowsExpired', 'RowsCancelled', 'RowsMissing'] as const;
    return row(
      graph('Rows by outcome', this.#metrics(...outcomes), { stacked: true }),
      graph('Tokens', this.#metrics('InputTokens', 'OutputTokens')),
      graph(
        'Cost of ended jobs, and jobs without a known cost (batchdrop costs)',
        this.#metrics('Cost', 'CostUnknown'),
      ),
    );
  }

  #queues(): IWidget[] {
    const { intake, submission, delivery, cancellation, approval } = this.#props.stages;
    const queues = {
      intake,
      submit: submission,
      deliver: delivery,
      cancel: cancellation,
      approve: approval,
    };
    const each = (metric: (work: WorkQueue, label: string) => IMetric) =>
      Object.entries(queues).map(([label, { work }]) => metric(work, label));
    const most = { statistic: 'Maximum' };
    return row(
      graph(
        'Messages waiting',
        each(({ queue }, label) => queue.metricApproximateNumberOfMessagesVisible({ ...most, label })),
      ),
      graph(
        'Age of the oldest message, seconds',
        each(({ queue }, label) => queue.metricApproximateAgeOfOldestMessage({ ...most, label })),
      ),
      graph('Dead letters', [
        ...each(({ deadLetters }, label) =>
          deadLetters.metricApproximateNumberOfMessagesVisible({ ...most, label }),
        ),
        intake.undelivered.metricApproximateNumberOfMessagesVisible({ ...most, label: 'undelivered' }),
      ]),
    );
  }

  #functions(): IWidget[] {
    const { intake, submission, polling, delivery, cancellation, approval, webhooks } = this.#props.stages;
    const functions = {
      intake,
      submit: submission,
      poll: polling,
      deliver: delivery,
      cancel: cancellation,
      approve: approval,
      ...(webhooks && { webhook: webhooks }),
    };
    const each = (metric: (worker: WorkerFunction, label: string) => IMetric) =>
      Object.entries(functions).map(([label, { worker }]) => metric(worker, label));
    return row(
      graph(
        'Failed invocations',
        each(({ lambda }, label) => lambda.metricErrors({ label })),
      ),
      graph(
        'Throttled invocations',
        each(({ lambda }, label) => lambda.metricThrottles({ label })),
      ),
      graph(
        'Longest invocation, milliseconds',
        each(({ lambda }, label) => lambda.metricDuration({ statistic: 'Maximum', label })),
      ),
    );
  }

  #metrics(...names: MetricName[]): IMetric[] {
    return names.map((name) => this.#metric(name));
  }

  #metric(name: MetricName, options: MetricOptions = {}): IMetric {
    return batchdropMetric(this.#props.instance, name, { label: name, ...options });
  }
}

function graph(title: string, left: IMetric[], { stacked = false } = {}): (width: number) => IWidget {
  return (width) => new GraphWidget({ title, left, stacked, width, leftYAxis: { min: 0 } });
}

/** Returns widgets that fill a row of the page. */
function row(...graphs: ((width: number) => IWidget)[]): IWidget[] {
  return graphs.map((graph) => graph(COLUMNS / graphs.length));
}
