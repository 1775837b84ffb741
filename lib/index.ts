export { METRIC_UNITS, METRICS_NAMESPACE, type MetricName } from '../functions/shared/contract/metrics.ts';
export { Batchdrop } from './batchdrop.ts';
export type { BatchdropOptions, BatchdropProps } from './batchdrop-props.ts';
export { BatchdropStack, type BatchdropStackProps } from './batchdrop-stack.ts';
export type { BudgetProps } from './budget-props.ts';
export type { ModelPriceProps, PriceProps } from './price-props.ts';
export { DEFAULT_API_KEY_SECRET } from './resources/openai-account.ts';
export type {
  BatchStatusSubscription,
  JobStatusSubscription,
  Subscriber,
} from './resources/subscriptions.ts';
export type { SharesProps } from './shares-props.ts';
export { DEFAULT_WEBHOOK_SECRET } from './stages/webhooks.ts';
export { BatchdropTracing, type OpenTelemetryTracingProps } from './tracing.ts';
export type { WebhookProps } from './webhook-props.ts';
export type { StartAndWaitProps } from './workflows/start-and-wait.ts';
