/** A Lambda function as the template describes it. */
export interface FunctionSpec {
  readonly name: string;
  readonly arn: string;
  /** Directory of the bundle that would be deployed. */
  readonly codeDirectory: string;
  /** `<file without ending>.<export>`, as in CloudFormation. */
  readonly handler: string;
  readonly memoryMb: number;
  readonly timeoutSeconds: number;
  readonly logGroup: string;
  /** What the template sets; the process gets this and what Lambda itself sets, nothing of the runtime's own. */
  readonly environment: Readonly<Record<string, string>>;
  /** What an asynchronous invocation does when it fails. */
  readonly asynchronous: AsynchronousPolicy;
}

/** EventInvokeConfig; Lambda's own defaults are two retries within six hours. */
export interface AsynchronousPolicy {
  readonly retries: number;
  readonly maxEventAgeSeconds: number;
}

/** Why an invocation gave no answer: its handler threw, its time was up, or its process ended. */
export type FailureKind = 'threw' | 'timed_out' | 'crashed';

/** An invocation that failed. The message is for a log line and holds nothing of the event. */
export class InvocationFailed extends Error {
  override readonly name = 'InvocationFailed';
  readonly kind: FailureKind;

  constructor(kind: FailureKind, message: string) {
    super(message);
    this.kind = kind;
  }
}
