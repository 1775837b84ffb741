import type { JobStatus } from './batch-status.ts';
import type { WaitingFor } from './events.ts';

/**
 * The CloudWatch namespace of all metrics. The dimension `service` identifies a Batchdrop.
 * @example new Metric({ namespace: METRICS_NAMESPACE, metricName: 'JobsFailed', dimensionsMap: { service: batchdrop.instance } });
 */
export const METRICS_NAMESPACE = 'Batchdrop';

/**
 * Every metric with its unit (docs/operations.md, "Metrics"). Metrics per status have fixed names, so that an API
 * cannot increase the number of metrics, which AWS bills.
 * @example for (const [name, unit] of Object.entries(METRIC_UNITS)) console.log(name, unit);
 */
export const METRIC_UNITS = {
  JobsUnapproved: 'Count',
  JobsAccepted: 'Count',
  JobsRejected: 'Count',
  JobsJoined: 'Count',
  JobsSubmitted: 'Count',
  JobsCompleted: 'Count',
  JobsFailed: 'Count',
  JobsExpired: 'Count',
  JobsCancelled: 'Count',
  RowsSucceeded: 'Count',
  RowsFailed: 'Count',
  RowsExpired: 'Count',
  RowsCancelled: 'Count',
  RowsMissing: 'Count',
  BatchesCreated: 'Count',
  OpenBatches: 'Count',
  OpenBatchesValidating: 'Count',
  OpenBatchesInProgress: 'Count',
  OpenBatchesFinalizing: 'Count',
  OpenBatchesCancelling: 'Count',
  OpenBatchesOther: 'Count',
  OldestOpenAge: 'Seconds',
  DetectionLatency: 'Seconds',
  InputTokens: 'Count',
  OutputTokens: 'Count',
  Cost: 'None',
  CostUnknown: 'Count',
  PublishFailures: 'Count',
  SecondBatches: 'Count',
  CreateUncertain: 'Count',
  Stalled: 'Count',
  ApprovalsExpired: 'Count',
  TriesUsedUp: 'Count',
  RefusedAlone: 'Count',
  KeyRefused: 'Count',
  AccountRefused: 'Count',
  LimitsLearned: 'Count',
  BudgetNear: 'Count',
  BudgetReached: 'Count',
  PriceUnknown: 'Count',
  WaitsForTokenLimit: 'Count',
  WaitsForCapacity: 'Count',
  WaitsForBudget: 'Count',
  WaitsForAccount: 'Count',
  WaitsForStorage: 'Count',
  WaitsForFile: 'Count',
  WaitsForConnection: 'Count',
  WaitsForResults: 'Count',
  ResultsWaiting: 'Count',
  ResultsExpiring: 'Count',
  Ticks: 'Count',
  WebhooksReceived: 'Count',
  WebhooksRefused: 'Count',
  WebhooksForeign: 'Count',
  EndsByWebhook: 'Count',
  EndsByPoll: 'Count',
  WebhookLatency: 'Seconds',
  PollLatency: 'Seconds',
} as const;

/**
 * The name of a metric.
 * @example 'JobsCompleted'
 */
export type MetricName = keyof typeof METRIC_UNITS;

/** The metric that counts the jobs with this status. */
export const JOB_METRIC: Readonly<Record<JobStatus, MetricName>> = {
  unapproved: 'JobsUnapproved',
  accepted: 'JobsAccepted',
  rejected: 'JobsRejected',
  joined: 'JobsJoined',
  submitted: 'JobsSubmitted',
  completed: 'JobsCompleted',
  failed: 'JobsFailed',
  expired: 'JobsExpired',
  cancelled: 'JobsCancelled',
};

/** The metric that counts the steps that had to wait, by what they waited for. */
export const WAIT_METRIC: Readonly<Record<WaitingFor, MetricName>> = {
  token_limit: 'WaitsForTokenLimit',
  enqueued_tokens: 'WaitsForCapacity',
  open_batches: 'WaitsForCapacity',
  budget: 'WaitsForBudget',
  price_unknown: 'WaitsForBudget',
  account: 'WaitsForAccount',
  storage: 'WaitsForStorage',
  not_visible: 'WaitsForFile',
  unreachable: 'WaitsForConnection',
  results: 'WaitsForResults',
};
