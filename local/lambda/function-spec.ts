/** A Lambda function of the template. */
export interface FunctionSpec {
  readonly name: string;
  readonly arn: string;
  /** Directory of the bundle to deploy. */
  readonly codeDirectory: string;
  /** `<file without extension>.<export>`, as in CloudFormation. */
  readonly handler: string;
  readonly memoryMb: number;
  readonly timeoutSeconds: number;
  readonly logGroup: string;
  /** The template's variables. The process gets these and Lambda's own, and none of the runtime's. */
  readonly environment: Readonly<Record<string, string>>;
  /** Retries of an asynchronous invocation. */
  readonly asynchronous: AsynchronousPolicy;
}

/** EventInvokeConfig; Lambda's own defaults are two retries within six hours. */
export interface AsynchronousPolicy {
  readonly retries: number;
  readonly maxEventAgeSeconds: number;
}

/** Why an invocation failed: its handler threw, it timed out, or its process ended. */
export type FailureKind = 'threw' | 'timed_out' | 'crashed';

/** An invocation that failed. The message is for a log line and contains nothing from the event. */
export class InvocationFailed extends Error {
  override readonly name = 'InvocationFailed';
  readonly kind: FailureKind;

  constructor(kind: FailureKind, message: string) {
    super(message);
    this.kind = kind;
  }
}
