import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Duration, RemovalPolicy, type Size, Stack, Validations } from 'aws-cdk-lib';
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
} from 'aws-cdk-lib/aws-lambda';
import { type ILogGroup, LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { nagResource } from '../resources/nag-findings.ts';
import { BUNDLES_DIRECTORY, type FunctionName } from './function-bundles.ts';

/** Context key: another place of the function bundles than `dist/functions`. */
export const BUNDLES_CONTEXT = 'batchdrop:bundles';

/** What the functions of one Batchdrop share. */
export interface WorkerSettings {
  /** Name of this Batchdrop in its metrics. */
  instance: string;
  vpc: IVpc | undefined;
  vpcSubnets: SubnetSelection | undefined;
  securityGroups: ISecurityGroup[] | undefined;
  /** One for all functions. */
  logGroup: ILogGroup | undefined;
}

export interface WorkerFunctionProps {
  settings: WorkerSettings;
  bundle: FunctionName;
  description: string;
  memory: Size;
  timeout: Duration;
  /** Of its temporary directory. Default: Lambda's 512 MB. */
  scratch?: Size;
  environment: Record<string, string>;
  /** How long Lambda keeps an asynchronous invocation that it could not start; it never repeats one that failed. */
  asynchronous?: { maxEventAge: Duration };
}

/** A Lambda function the way this house runs them: own role without managed policies, own log group, bundled code. */
export class WorkerFunction extends Construct implements IGrantable {
  readonly lambda: LambdaFunction;
  readonly role: Role;
  readonly grantPrincipal: IPrincipal;

  constructor(scope: Construct, id: string, props: WorkerFunctionProps) {
    super(scope, id);
    const { vpc, logGroup = ownLogGroup(this) } = props.settings;
    this.role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    logGroup.grantWrite(this.role);
    acknowledgeStreams(this.role, logGroup);
    if (vpc) grantNetworkInterfaces(this.role);
    this.lambda = new LambdaFunction(this, 'Function', {
      description: props.description,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64, // a fifth cheaper than x86 for the same work
      code: Code.fromAsset(bundleOf(this, props.bundle)),
      handler: 'index.handler',
      memorySize: props.memory.toMebibytes(),
      timeout: props.timeout,
      ...(props.scratch && { ephemeralStorageSize: props.scratch }),
      environment: props.environment,
      role: this.role,
      logGroup,
      loggingFormat: LoggingFormat.JSON,
      ...(vpc && placedIn(vpc, props.settings)),
      // No reserved concurrency: a new account's quota is so small that the deployment would fail.
      ...(props.asynchronous && { retryAttempts: 0, maxEventAge: props.asynchronous.maxEventAge }),
    });
    this.grantPrincipal = this.lambda.grantPrincipal;
  }
}

function ownLogGroup(scope: Construct): ILogGroup {
  const logGroup = new LogGroup(scope, 'Logs', {
    retention: RetentionDays.ONE_MONTH,
    removalPolicy: RemovalPolicy.DESTROY, // ids and numbers only; nothing is lost that the ledger does not have
  });
  return logGroup as ILogGroup; // the CDK's class misses its interface only in the eyes of exactOptionalPropertyTypes
}

/** The ARN of an imported group ends in a wildcard that can be seen; that of one made here hides it. */
function acknowledgeStreams(role: Role, { logGroupArn }: ILogGroup): void {
  const arn = nagResource(Stack.of(role).resolve(logGroupArn));
  if (!arn.includes('*')) return;
  Validations.of(role).acknowledge({
    id: `AwsSolutions-IAM5[Resource::${arn}]`,
    reason: 'The streams of one log group, whose names Lambda makes up.',
  });
}

function placedIn(vpc: IVpc, { vpcSubnets, securityGroups }: WorkerSettings) {
  return {
    vpc,
    ...(vpcSubnets && { vpcSubnets }),
    ...(securityGroups && { securityGroups }),
  };
}

/** What Lambda itself does with the function's role in a VPC, as in AWSLambdaVPCAccessExecutionRole; not narrowable, as it is checked before there is an interface. */
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
  Validations.of(role).acknowledge({
    id: 'AwsSolutions-IAM5[Resource::*]',
    reason:
      'Lambda demands these of a function in a VPC, for every resource: its interfaces are not there yet.',
  });
}

function bundleOf(scope: Construct, name: FunctionName): string {
  const bundles: unknown = scope.node.tryGetContext(BUNDLES_CONTEXT);
  const directory = join(typeof bundles === 'string' ? bundles : BUNDLES_DIRECTORY, name);
  if (!existsSync(join(directory, 'index.js'))) {
    throw new Error(`there is no bundle of ${name} in ${directory}: run \`npm run bundle\` first`);
  }
  return directory;
}
