import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Duration, RemovalPolicy, type Size, Stack } from 'aws-cdk-lib';
import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import {
  type IGrantable,
  type IPrincipal,
  PolicyStatement,
  Role,
  ServicePrincipal,
} from 'aws-cdk-lib/aws-iam';
import {
  Architecture,
  Code,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
  RuntimeFamily,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import { type ILogGroup, LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { acknowledgeFinding, nagResource } from '../resources/nag-findings.ts';
import type { BatchdropTracing } from '../tracing.ts';
import { BUNDLES_CONTEXT, BUNDLES_DIRECTORY, type FunctionName } from './function-bundles.ts';

/** By its name, because the constant `NODEJS_24_X` is missing in older versions of the CDK. */
const NODE = new Runtime('nodejs24.x', RuntimeFamily.NODEJS);

/** The settings that the functions of one Batchdrop share. */
export interface WorkerSettings {
  /** The name of this Batchdrop in its metrics. */
  instance: string;
  vpc: IVpc | undefined;
  vpcSubnets: SubnetSelection | undefined;
  securityGroups: ISecurityGroup[] | undefined;
  /** One log group for all functions. Default: one per function. */
  logGroup: ILogGroup | undefined;
  tracing: BatchdropTracing | undefined;
}

export interface WorkerFunctionProps {
  settings: WorkerSettings;
  bundle: FunctionName;
  description: string;
  memory: Size;
  timeout: Duration;
  /** Size of the temporary directory. Default: Lambda's 512 MB. */
  scratch?: Size;
  environment: Record<string, string>;
  /** How long Lambda keeps an asynchronous invocation that it could not start. It never retries a failed one. */
  asynchronous?: { maxEventAge: Duration };
  /** Default: none. The quota of a new account is so small that a deployment with reserved concurrency would fail. */
  reservedConcurrency?: number;
}

/** A Lambda function with bundled code, a role without managed policies, and its own log group unless one is shared. */
export class WorkerFunction extends Construct implements IGrantable {
  readonly lambda: LambdaFunction;
  readonly role: Role;
  readonly grantPrincipal: IPrincipal;

  constructor(scope: Construct, id: string, props: WorkerFunctionProps) {
    super(scope, id);
    const { vpc, tracing, logGroup = ownLogGroup(this) } = props.settings;
    this.role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    logGroup.grantWrite(this.role);
    acknowledgeStreams(this.role, logGroup);
    if (vpc) grantNetworkInterfaces(this.role);
    if (tracing?._sendsToXRay) acknowledgeTraces(this.role);
    this.lambda = new LambdaFunction(this, 'Function', {
      description: props.description,
      runtime: NODE,
      architecture: Architecture.ARM_64, // a fifth cheaper than x86 per GB-second
      code: Code.fromAsset(bundleOf(this, props.bundle)),
      handler: 'index.handler',
      memorySize: props.memory.toMebibytes(),
      timeout: props.timeout,
      ...(props.scratch && { ephemeralStorageSize: props.scratch }),
      environment: { ...props.environment, ...tracing?._environment },
      ...(tracing && tracedBy(tracing)),
      role: this.role,
      logGroup,
      loggingFormat: LoggingFormat.JSON,
      ...(vpc && placedIn(vpc, props.settings)),
      ...(props.reservedConcurrency !== undefined && {
        reservedConcurrentExecutions: props.reservedConcurrency,
      }),
      ...(props.asynchronous && { retryAttempts: 0, maxEventAge: props.asynchronous.maxEventAge }),
    });
    this.grantPrincipal = this.lambda.grantPrincipal;
  }
}

function ownLogGroup(scope: Construct): ILogGroup {
  const logGroup = new LogGroup(scope, 'Logs', {
    retention: RetentionDays.ONE_MONTH,
    removalPolicy: RemovalPolicy.DESTROY, // logs contain only ids and numbers, which the ledger also has
  });
  return logGroup as ILogGroup; // under exactOptionalPropertyTypes, the CDK's class does not match its own interface
}

/**
 * The ARN of an imported group ends in a visible wildcard. The ARN of a group created here contains a token instead.
 */
function acknowledgeStreams(role: Role, { logGroupArn }: ILogGroup): void {
  const arn = nagResource(Stack.of(role).resolve(logGroupArn));
  if (!arn.includes('*')) return;
  acknowledgeFinding(
    role,
    `AwsSolutions-IAM5[Resource::${arn}]`,
    'The streams of one log group. Lambda generates their names.',
  );
}

function placedIn(vpc: IVpc, { vpcSubnets, securityGroups }: WorkerSettings) {
  return {
    vpc,
    ...(vpcSubnets && { vpcSubnets }),
    ...(securityGroups && { securityGroups }),
  };
}

function tracedBy({ _layers: layers, _sendsToXRay: sendsToXRay }: BatchdropTracing) {
  return { ...(sendsToXRay && { tracing: Tracing.ACTIVE }), ...(layers.length > 0 && { layers }) };
}

function acknowledgeTraces(role: Role): void {
  acknowledgeFinding(
    role,
    'AwsSolutions-IAM5[Resource::*]',
    'X-Ray has no resources for traces: the two actions that write them need every resource.',
  );
}

/**
 * Grants what Lambda does with the role of a function in a VPC, as in AWSLambdaVPCAccessExecutionRole. Lambda checks
 * these permissions before an interface exists, so they cannot be narrower.
 */
function grantNetworkInterfaces(role: Role): void {
  role.addToPolicy(
    new PolicyStatement({
      actions: [
        'ec2:CreateNetworkInterface',
        'ec2:DescribeNetworkInterfaces',
        'ec2:DescribeSubnets',
        'ec2:DeleteNetworkInterface',
        'ec2:AssignPrivateIpAddresses',
        'ec2:UnassignPrivateIpAddresses',
      ],
      resources: ['*'],
    }),
  );
  acknowledgeFinding(
    role,
    'AwsSolutions-IAM5[Resource::*]',
    'Lambda requires these for every resource: the network interfaces of the function do not exist yet.',
  );
}

function bundleOf(scope: Construct, name: FunctionName): string {
  const bundles: unknown = scope.node.tryGetContext(BUNDLES_CONTEXT);
  const directory = join(typeof bundles === 'string' ? bundles : BUNDLES_DIRECTORY, name);
  if (!existsSync(join(directory, 'index.js'))) {
    throw new Error(
      `${scope.node.path}: the bundle of ${name} is not in ${directory}; run \`npm run bundle\`.`,
    );
  }
  return directory;
}
