import { alarmTopics } from './alarm-topics.ts';
import type { Assembly, TemplateResource } from './assembly.ts';
import { resolve } from './intrinsics.ts';
import { Properties } from './properties.ts';
import { PolicyCollection } from './read-policies.ts';
import {
  type ResourceNames,
  readBucket,
  readBus,
  readFunction,
  readInvokeConfig,
  readMapping,
  readQueue,
  readRule,
  readSchedule,
  readTable,
  readUrl,
} from './resource-readers.ts';
import type { StackPlan } from './stack-plan.ts';
import { TemplateScope } from './template-scope.ts';

/** Types that have no effect on one machine. */
const READ_OVER = new Set([
  'AWS::CDK::Metadata',
  'AWS::CloudWatch::Alarm',
  'AWS::CloudWatch::Dashboard',
  'AWS::Logs::LogGroup',
]);

/**
 * Parses a whole template into the resources that the engines create. Throws an Error that names the resource if a
 * type, a property or a function is not supported, because the runtime runs exactly what would be deployed, or nothing.
 */
export function parseTemplate(
  assembly: Assembly,
  endpointUrl: string,
): StackPlan & { outputs: Record<string, string> } {
  const { template } = assembly;
  const scope = new TemplateScope(template, endpointUrl);
  const policies = new PolicyCollection();
  const plan: StackPlan = {
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
  };
  const ofAlarms = alarmTopics(template.Resources);
  for (const [logicalId, resource] of Object.entries(template.Resources)) {
    if (READ_OVER.has(resource.Type) || ofAlarms.has(logicalId)) continue;
    if (resource.Condition !== undefined && !scope.condition(resource.Condition)) continue;
    addResource(plan, logicalId, resource, { scope, assembly, policies });
  }
  const outputs = Object.entries(template.Outputs).map(([name, { Value }]) => [
    name,
    String(resolve(Value, scope)),
  ]);
  return { ...plan, outputs: Object.fromEntries(outputs) };
}

function addResource(
  plan: StackPlan,
  logicalId: string,
  resource: TemplateResource,
  { scope, assembly, policies }: { scope: TemplateScope; assembly: Assembly; policies: PolicyCollection },
): void {
  const properties = new Properties(logicalId, Object(resolve(resource.Properties ?? {}, scope)));
  const names = (): ResourceNames => ({
    logicalId,
    name: scope.nameOf(logicalId),
    arn: scope.arnOf(logicalId),
  });
  switch (resource.Type) {
    case 'AWS::S3::Bucket':
      plan.buckets.push(readBucket(properties, names()));
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
      plan.functions.push(readFunction(properties, names(), assembly.assetDirectory));
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
    default:
      if (policies.take(resource.Type, properties, { logicalId, name: scope.nameOf(logicalId) })) break;
      throw new Error(
        `${logicalId} has the type ${resource.Type}, which the local runtime does not support: ` +
          'add it to local/runtime/parse-template.ts, or deploy to AWS',
      );
  }
  properties.done();
}
