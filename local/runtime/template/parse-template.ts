import { alarmTopics } from './alarm-topics.ts';
import type { AssembledStack, Assembly, TemplateResource } from './assembly.ts';
import { batchdropsOf } from './batchdrops.ts';
import { describeStack } from './describe-stack.ts';
import { readFunction, readInvokeConfig, readMapping, readUrl } from './function-readers.ts';
import { BUCKET_NOTIFICATIONS, LEFT_OUT, ONLY_ALARMS } from './left-out.ts';
import { neededElsewhere } from './needed-services.ts';
import { Properties } from './properties.ts';
import { PolicyCollection } from './read-policies.ts';
import { type Refusal, refusalOf, UnsupportedApp, UnsupportedType } from './refusals.ts';
import {
  readBucket,
  readBucketNotifications,
  readBus,
  readQueue,
  readRule,
  readSchedule,
  readSecret,
  readTable,
} from './resource-readers.ts';
import type { AppPlan, BucketPlan, LeftOut, StackPlan } from './stack-plan.ts';
import { withStandIns } from './stand-ins.ts';
import { AppScope, type TemplateScope } from './template-scope.ts';

/**
 * Parses the templates of an app into the resources that the engines create. Throws an UnsupportedApp that names each resource
 * with a type, a property, or a function that is not supported, because the runtime runs exactly what would be deployed, or
 * nothing.
 */
export function parseTemplate(assembly: Assembly, endpointUrl: string): AppPlan {
  const app = new AppScope(assembly.stacks, endpointUrl);
  const reading: Reading = {
    policies: new PolicyCollection(),
    inlineDirectory: assembly.inlineDirectory,
    refusals: [],
    leftOut: new Map(),
    bucketNotifications: [],
  };
  const plan = emptyPlan(reading.policies);
  assembly.stacks.forEach((stack, at) => {
    const scope = app.stacks[at];
    if (scope !== undefined) readStack(plan, stack, scope, reading);
  });
  reading.policies.finish();
  reading.refusals.push(
    ...refusedRoles(plan, reading.policies),
    ...neededElsewhere(plan.functions, reading.policies),
  );
  if (reading.refusals.length > 0) throw new UnsupportedApp(reading.refusals);
  const stacks = app.stacks.map(describeStack);
  const batchdrops = stacks.flatMap(({ name, outputs }) =>
    batchdropsOf(name, new Map(outputs.map(({ key, value }) => [key, value]))),
  );
  const buckets = plan.buckets.map((bucket) => withNotifications(bucket, reading.bucketNotifications));
  const leftOut = [...reading.leftOut.values()];
  const complete = { ...plan, buckets, stacks, batchdrops, leftOut };
  return { ...complete, ...withStandIns(complete) };
}

/** What is known while the templates are read. */
interface Reading {
  readonly policies: PolicyCollection;
  readonly inlineDirectory: string;
  readonly refusals: Refusal[];
  /** By type. */
  readonly leftOut: Map<string, LeftOut>;
  /** The buckets whose events go to EventBridge by a custom resource of the CDK. */
  readonly bucketNotifications: string[];
}

function emptyPlan(policies: PolicyCollection): StackPlan {
  return {
    policies,
    buckets: [],
    queues: [],
    buses: [],
    rules: [],
    tables: [],
    functions: [],
    invokeConfigs: [],
    mappings: [],
    schedules: [],
    urls: [],
    secrets: [],
  };
}

function readStack(plan: StackPlan, stack: AssembledStack, scope: TemplateScope, reading: Reading): void {
  const { Resources } = stack.template;
  const providers = providersIn(Resources);
  const ofAlarms = alarmTopics(Resources);
  for (const [logicalId, resource] of Object.entries(Resources)) {
    const { Type } = resource;
    try {
      if (!scope.isThere(resource) || providers.has(logicalId)) continue;
      const reason = ofAlarms.has(logicalId) ? ONLY_ALARMS : LEFT_OUT.get(Type);
      if (reason === undefined) addResource(plan, logicalId, resource, { stack, scope, reading });
      else leaveOut(reading.leftOut, Type, reason, scope.placeOf(logicalId));
    } catch (cause) {
      reading.refusals.push(refusalOf(scope.placeOf(logicalId), Type, cause));
    }
  }
}

function leaveOut(leftOut: Map<string, LeftOut>, type: string, reason: string, place: string): void {
  const places = leftOut.get(type)?.places ?? [];
  leftOut.set(type, { type, reason, places: [...places, place] });
}

/**
 * Returns the functions that only CloudFormation would invoke, for custom resources that the runtime leaves out or does
 * itself.
 */
function providersIn(resources: Readonly<Record<string, TemplateResource>>): Set<string> {
  const done = Object.values(resources).filter(
    ({ Type }) => Type === BUCKET_NOTIFICATIONS || (Type.startsWith('Custom::') && LEFT_OUT.has(Type)),
  );
  return new Set(
    done.flatMap(({ Properties: properties }) => {
      const token: unknown = Object(properties?.ServiceToken)['Fn::GetAtt'];
      return Array.isArray(token) ? [String(token[0])] : [];
    }),
  );
}

function addResource(
  plan: StackPlan,
  logicalId: string,
  resource: TemplateResource,
  { stack, scope, reading }: { stack: AssembledStack; scope: TemplateScope; reading: Reading },
): void {
  const properties = new Properties(Object(scope.resolve(resource.Properties ?? {})));
  const place = scope.placeOf(logicalId);
  const arn = () => scope.arnOf(logicalId);
  const names = () => ({ stack: scope.name, logicalId, name: scope.nameOf(logicalId), arn: arn(), place });
  const code = { assetDirectory: stack.assetDirectory, inlineDirectory: reading.inlineDirectory };
  const { policies, bucketNotifications } = reading;
  switch (resource.Type) {
    case 'AWS::S3::Bucket':
      plan.buckets.push(readBucket(properties, names()));
      break;
    case BUCKET_NOTIFICATIONS:
      bucketNotifications.push(readBucketNotifications(properties));
      break;
    case 'AWS::SQS::Queue':
      plan.queues.push(readQueue(properties, names()));
      break;
    case 'AWS::Events::EventBus':
      plan.buses.push(readBus(properties, names()));
      break;
    case 'AWS::Events::Rule':
      plan.rules.push(readRule(properties, names()));
      break;
    case 'AWS::DynamoDB::Table':
      plan.tables.push(readTable(properties, names()));
      break;
    case 'AWS::Lambda::Function':
      plan.functions.push(readFunction(properties, names(), code));
      break;
    case 'AWS::Lambda::Url':
      plan.urls.push(readUrl(properties, String(scope.attribute(logicalId, 'FunctionUrl'))));
      break;
    case 'AWS::Lambda::EventInvokeConfig':
      plan.invokeConfigs.push(readInvokeConfig(properties));
      break;
    case 'AWS::Lambda::EventSourceMapping':
      plan.mappings.push(readMapping(properties, scope.nameOf(logicalId)));
      break;
    case 'AWS::Scheduler::Schedule':
      plan.schedules.push(readSchedule(properties, names()));
      break;
    case 'AWS::SecretsManager::Secret':
      plan.secrets.push(readSecret(properties, names()));
      break;
    default:
      if (policies.take(resource.Type, properties, { logicalId, name: scope.nameOf(logicalId), arn })) break;
      throw new UnsupportedType();
  }
  properties.done();
}

/** Policies that are not supported, of the roles with which something runs. */
function refusedRoles({ functions, schedules }: StackPlan, policies: PolicyCollection): Refusal[] {
  const users = [
    ...functions.map(({ place, roleArn }) => ({ place, roleArn, type: 'AWS::Lambda::Function' })),
    ...schedules.map(({ name, roleArn }) => ({ place: name, roleArn, type: 'AWS::Scheduler::Schedule' })),
  ];
  return users.flatMap(({ place, roleArn, type }) =>
    (policies.problemsOfRoles.get(roleArn) ?? []).map((problem) => ({
      ...{ place, type },
      reason: `in the policies of its role: ${problem}`,
    })),
  );
}

function withNotifications(bucket: BucketPlan, notified: readonly string[]): BucketPlan {
  return notified.includes(bucket.name) ? { ...bucket, eventBridge: true } : bucket;
}
