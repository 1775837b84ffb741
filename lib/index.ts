export { METRIC_UNITS, METRICS_NAMESPACE, type MetricName } from '../functions/shared/contract/metrics.ts';
export { Batchdrop, type BatchdropProps } from './batchdrop.ts';
export { BatchdropStack, type BatchdropStackProps } from './batchdrop-stack.ts';
export type { Network } from './house-function.ts';
export { DEFAULT_API_KEY_SECRET } from './openai-account.ts';
export type { Subscriber, Subscription } from './status-events.ts';
