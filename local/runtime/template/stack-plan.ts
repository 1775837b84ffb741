import type { Stack } from '../../aws/cloudformation/engine.ts';
import type { TableDefinition } from '../../aws/dynamodb/engine.ts';
import type { Policies } from '../../aws/iam/decision.ts';
import type { QueueSettings } from '../../aws/sqs/queue.ts';
import type { MappingSpec } from '../../lambda/event-source-mapping.ts';
import type { AsynchronousPolicy, FunctionSpec } from '../../lambda/function-spec.ts';
import type { Batchdrop } from './batchdrops.ts';

export interface BucketPlan {
  readonly name: string;
  /** The destination of S3's access log. */
  readonly accessLogs?: { readonly bucket: string; readonly prefix: string };
  /** Its ACL lets S3 write access logs, as the CDK sets it without the flag `serverAccessLogsUseBucketPolicy`. */
  readonly acceptsLogs?: true;
  readonly versioned: boolean;
  readonly eventBridge: boolean;
}

export interface QueuePlan {
  readonly name: string;
  readonly settings: Partial<QueueSettings>;
}

export interface RulePlan {
  readonly bus: string;
  readonly name: string;
  readonly arn: string;
  readonly pattern: object;
  readonly enabled: boolean;
  /** In the format of CloudFormation and PutTargets. */
  readonly targets: object[];
}

export interface FunctionPlan extends Omit<FunctionSpec, 'asynchronous'> {
  /** The path of the construct, or the logical id. */
  readonly place: string;
  /** Code that the template contains as text, to be written to `index.js`. */
  readonly inlineCode?: string;
  readonly accessKeyId: string;
  readonly roleArn: string;
  /** How many of its invocations may run at once. Absent: as many as the account allows. */
  readonly reservedConcurrency?: number;
}

/** The public URL of a function. */
export interface UrlPlan {
  readonly functionArn: string;
  readonly url: string;
}

/** An event source mapping or an EventInvokeConfig, with the name of its function. */
export type OfFunction<T> = T & { readonly functionName: string };

/** An event source mapping. A disabled one feeds no function. */
export interface MappingPlan extends OfFunction<MappingSpec> {
  readonly id: string;
  readonly enabled: boolean;
}

export interface SchedulePlan {
  readonly name: string;
  readonly expression: string;
  readonly enabled: boolean;
  readonly targetArn: string;
  /** The role with which the schedule invokes its target. */
  readonly roleArn: string;
  /** JSON. */
  readonly input: string;
}

/** A secret that the app creates. */
export interface SecretPlan {
  readonly name: string;
  readonly value: string;
}

/** Resources of one type that the runtime does not create, because they do nothing here. */
export interface LeftOut {
  readonly type: string;
  readonly reason: string;
  /** The paths of their constructs, or their logical ids. */
  readonly places: readonly string[];
}

/** The resources of an app to create in the engines, with every name resolved. */
export interface StackPlan {
  readonly policies: Policies;
  readonly buckets: BucketPlan[];
  readonly queues: QueuePlan[];
  readonly buses: string[];
  readonly rules: RulePlan[];
  readonly tables: TableDefinition[];
  readonly functions: FunctionPlan[];
  readonly invokeConfigs: OfFunction<AsynchronousPolicy>[];
  readonly mappings: MappingPlan[];
  readonly schedules: SchedulePlan[];
  readonly urls: UrlPlan[];
  readonly secrets: SecretPlan[];
}

/** What the runtime does with an app. */
export interface AppPlan extends StackPlan {
  /** The stacks as CloudFormation would describe them once deployed. */
  readonly stacks: readonly Stack[];
  readonly batchdrops: readonly Batchdrop[];
  readonly leftOut: readonly LeftOut[];
  /** The names of buckets and buses that a Batchdrop uses and the app does not create. Empty ones stand in for them. */
  readonly standIns: readonly string[];
}
