export { Batchdrop, type BatchdropProps, DEFAULT_API_KEY_SECRET } from './batchdrop.ts';
export { BatchdropStack, type BatchdropStackProps } from './batchdrop-stack.ts';
export type { Subscription } from './status-events.ts';
