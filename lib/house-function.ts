import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Duration, RemovalPolicy, type Size } from 'aws-cdk-lib';
import { type IGrantable, type IPrincipal, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  Architecture,
  Code,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { BUNDLES_DIRECTORY, type FunctionName } from './function-bundles.ts';

/** Context key: another place of the function bundles than `dist/functions`. */
export const BUNDLES_CONTEXT = 'batchdrop:bundles';

/** What the functions of one Batchdrop share. */
export interface House {
  /** Name of this Batchdrop in its metrics. */
  instance: string;
}

export interface HouseFunctionProps {
  house: House;
  bundle: FunctionName;
  description: string;
  memory: Size;
  timeout: Duration;
  environment: Record<string, string>;
  /** How long Lambda keeps an asynchronous invocation that it could not start; it never repeats one that failed. */
  asynchronous?: { maxEventAge: Duration };
}

/** A Lambda function the way this house runs them: own role without managed policies, own log group, bundled code. */
export class HouseFunction extends Construct implements IGrantable {
  readonly lambda: LambdaFunction;
  readonly role: Role;
  readonly grantPrincipal: IPrincipal;

  constructor(scope: Construct, id: string, props: HouseFunctionProps) {
    super(scope, id);
    const logGroup = new LogGroup(this, 'Logs', {
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY, // ids and numbers only; nothing is lost that the ledger does not have
    });
    this.role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    logGroup.grantWrite(this.role);
    this.lambda = new LambdaFunction(this, 'Function', {
      description: props.description,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64, // a fifth cheaper than x86 for the same work
      code: Code.fromAsset(bundleOf(this, props.bundle)),
      handler: 'index.handler',
      memorySize: props.memory.toMebibytes(),
      timeout: props.timeout,
      environment: props.environment,
      role: this.role,
      logGroup,
      loggingFormat: LoggingFormat.JSON,
      // No reserved concurrency: a new account's quota is so small that the deployment would fail.
      ...(props.asynchronous && { retryAttempts: 0, maxEventAge: props.asynchronous.maxEventAge }),
    });
    this.grantPrincipal = this.lambda.grantPrincipal;
  }
}

function bundleOf(scope: Construct, name: FunctionName): string {
  const bundles: unknown = scope.node.tryGetContext(BUNDLES_CONTEXT);
  const directory = join(typeof bundles === 'string' ? bundles : BUNDLES_DIRECTORY, name);
  if (!existsSync(join(directory, 'index.js'))) {
    throw new Error(`there is no bundle of ${name} in ${directory}: run \`npm run bundle\` first`);
  }
  return directory;
}
