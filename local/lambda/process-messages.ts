import type { ClockReading } from '../clock.ts';

/** From the runtime to a function process: one invocation. The next one is sent after the answer. */
export interface InvokeMessage {
  readonly kind: 'invoke';
  readonly requestId: string;
  readonly functionArn: string;
  readonly event: unknown;
  /** Time at which the process is killed, in wall-clock milliseconds since the epoch. */
  readonly deadline: number;
  /** The runtime's time when the invocation begins. */
  readonly reading: ClockReading;
}

/** From the runtime to a function process: its clock has changed its rate. */
interface RateMessage {
  readonly kind: 'rate';
  readonly reading: ClockReading;
}

export type RuntimeMessage = InvokeMessage | RateMessage;

/** An exception as sent to another process. */
export interface ThrownError {
  readonly name: string;
  readonly message: string;
}

/** From a function process to the runtime. */
export type ProcessMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'unready'; readonly error: ThrownError }
  | { readonly kind: 'answer'; readonly requestId: string; readonly answer: unknown }
  | { readonly kind: 'threw'; readonly requestId: string; readonly error: ThrownError };

/** Returns whether a message from the channel has the expected form. */
export function isProcessMessage(message: unknown): message is ProcessMessage {
  if (typeof message !== 'object' || message === null || !('kind' in message)) return false;
  return ['ready', 'unready', 'answer', 'threw'].includes(String(message.kind));
}
