/** From the runtime to a function process: one invocation. The next comes after the answer to this one. */
export interface InvokeMessage {
  readonly requestId: string;
  readonly functionArn: string;
  readonly event: unknown;
  /** When the process will be killed, in wall milliseconds since the epoch. */
  readonly deadline: number;
  /** The runtime's time minus the wall's, in milliseconds. */
  readonly timeOffset: number;
}

/** What is known of an exception once it has crossed to another process. */
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

/** Parses what came over the channel; anything else is no message of ours. */
export function isProcessMessage(message: unknown): message is ProcessMessage {
  if (typeof message !== 'object' || message === null || !('kind' in message)) return false;
  return ['ready', 'unready', 'answer', 'threw'].includes(String(message.kind));
}
