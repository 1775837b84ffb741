export { METRIC_UNITS, METRICS_NAMESPACE, type MetricName } from '../functions/shared/contract/metrics.ts';
export { Batchdrop } from './batchdrop.ts';
export type { BatchdropProps } from './batchdrop-props.ts';
export { BatchdropStack, type BatchdropStackProps } from './batchdrop-stack.ts';
export { DEFAULT_API_KEY_SECRET } from './resources/openai-account.ts';
export type { Subscriber, Subscription } from './resources/status-events.ts';
export type { Network } from './stages/worker-function.ts';
