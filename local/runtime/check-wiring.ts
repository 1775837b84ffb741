import type { Authorizer } from '../aws/iam/authorizer.ts';
import type { Caller, Need } from '../aws/iam/caller.ts';
import { AwsError } from '../aws/protocol/aws-error.ts';
import { queueArn } from '../aws/sqs/queue.ts';
import { URL_ACTIONS } from '../lambda/function-urls.ts';
import type { RulePlan, StackPlan } from './template/stack-plan.ts';

/** The actions of Lambda on a queue that is an event source. */
const EVENT_SOURCE_ACTIONS = ['ReceiveMessage', 'DeleteMessage', 'GetQueueAttributes'];

/**
 * Throws if AWS would reject the stack, or if an event could never arrive: one line per fault, in AWS's words if they
 * exist. Call this after the authorizer enforces the policies.
 */
export function checkWiring(plan: StackPlan, authorizer: Authorizer): void {
  const faults = [
    ...faultsOfFunctions(plan, authorizer),
    ...faultsOfMappings(plan, authorizer),
    ...faultsOfSchedules(plan, authorizer),
    ...plan.rules.flatMap((rule) => faultsOfTargets(rule, plan, authorizer)),
    ...faultsOfAccessLogs(plan, authorizer),
    ...faultsOfUrls(plan, authorizer),
  ];
  if (faults.length > 0) throw new WiringFaults(faults);
}

/** `lines` has one line for each fault. */
export class WiringFaults extends Error {
  override readonly name = 'WiringFaults';
  readonly lines: readonly string[];

  constructor(lines: readonly string[]) {
    super(lines.join('\n'));
    this.lines = lines;
  }
}

function faultsOfFunctions({ functions }: StackPlan, authorizer: Authorizer): string[] {
  return functions
    .filter(({ roleArn }) => !authorizer.isTrusted(roleArn, 'lambda.amazonaws.com'))
    .map(({ name }) => `${name}: The role defined for the function cannot be assumed by Lambda.`);
}

function faultsOfMappings({ mappings, functions, queues }: StackPlan, authorizer: Authorizer): string[] {
  return mappings.flatMap((mapping) => {
    const queue = queues.find(({ name }) => queueArn(name) === mapping.queueArn);
    const consumer = functions.find(({ name }) => name === mapping.functionName);
    const where = `the event source ${mapping.queueArn} of ${mapping.functionName}: `;
    if (consumer === undefined) return `${where}Function not found: ${mapping.functionName}`;
    const role = authorizer.actingAs(consumer.roleArn, consumer.name);
    const lacking = EVENT_SOURCE_ACTIONS.filter(
      (action) => refused(role, { action: `sqs:${action}`, resource: mapping.queueArn }) !== undefined,
    );
    const faults = lacking.map(
      (action) => `${where}The provided execution role does not have permissions to call ${action} on SQS`,
    );
    if (queue === undefined) return [...faults, `${where}The specified queue does not exist.`];
    const visibility = queue.settings.visibilityTimeoutSeconds ?? DEFAULT_VISIBILITY_SECONDS;
    if (visibility < consumer.timeoutSeconds) {
      faults.push(
        `${where}Queue visibility timeout: ${visibility} seconds is less than Function timeout: ${consumer.timeoutSeconds} seconds`,
      );
    }
    return faults;
  });
}

const DEFAULT_VISIBILITY_SECONDS = 30; // SQS's default

function faultsOfSchedules({ schedules, functions }: StackPlan, authorizer: Authorizer): string[] {
  return schedules.flatMap(({ name, roleArn, targetArn }) => {
    if (!authorizer.isTrusted(roleArn, 'scheduler.amazonaws.com')) {
      return `${name}: The execution role you provide must allow AWS EventBridge Scheduler to assume the role.`;
    }
    if (!functions.some(({ arn }) => arn === targetArn)) return `${name}: ${nowhere(targetArn)}`;
    const need = { action: 'lambda:InvokeFunction', resource: targetArn };
    return prefixed(name, refused(authorizer.actingAs(roleArn, name), need));
  });
}

/** AWS deploys such a rule, but then every event fails or goes to the dead-letter queue. It is better to fail here. */
function faultsOfTargets(rule: RulePlan, plan: StackPlan, authorizer: Authorizer): string[] {
  const where = `the rule ${rule.name}`;
  if (rule.bus !== 'default' && !plan.buses.includes(rule.bus)) return [`${where}: ${nowhere(rule.bus)}`];
  const made = new Set([
    ...plan.functions.map(({ arn }) => arn),
    ...plan.queues.map(({ name }) => queueArn(name)),
  ]);
  const events = authorizer.service('events.amazonaws.com', rule.arn);
  return rule.targets.flatMap((target) => {
    const { Arn, DeadLetterConfig } = Object(target);
    const arns = [Arn, Object(DeadLetterConfig).Arn].filter((arn) => typeof arn === 'string');
    return arns.flatMap((resource) => {
      if (!made.has(resource)) return [`${where}: ${nowhere(resource)}`];
      const action = resource.startsWith('arn:aws:lambda:') ? 'lambda:InvokeFunction' : 'sqs:SendMessage';
      return prefixed(where, refused(events, { action, resource }));
    });
  });
}

/** An app may import what another app has created. Here there is no other app. */
function nowhere(resource: string): string {
  return `${resource} is not part of the app, and one machine has nothing else`;
}

function faultsOfAccessLogs({ buckets }: StackPlan, authorizer: Authorizer): string[] {
  const acceptLogs = new Set(buckets.flatMap((bucket) => (bucket.acceptsLogs ? bucket.name : [])));
  return buckets.flatMap(({ name, accessLogs }) => {
    if (accessLogs === undefined || acceptLogs.has(accessLogs.bucket)) return [];
    const logging = authorizer.service('logging.s3.amazonaws.com', `arn:aws:s3:::${name}`);
    const resource = `arn:aws:s3:::${accessLogs.bucket}/${accessLogs.prefix}log`;
    return prefixed(`the access logs of ${name}`, refused(logging, { action: 's3:PutObject', resource }));
  });
}

/** AWS deploys such a URL and then refuses every call. */
function faultsOfUrls({ urls }: StackPlan, authorizer: Authorizer): string[] {
  return urls.flatMap(({ functionArn }) =>
    URL_ACTIONS.flatMap((action) =>
      prefixed('the public URL', refused(authorizer.throughUrl(), { action, resource: functionArn })),
    ),
  );
}

function refused(caller: Caller, need: Need): string | undefined {
  try {
    caller.demand(need);
    return undefined;
  } catch (error) {
    if (error instanceof AwsError) return error.message;
    throw error;
  }
}

function prefixed(where: string, fault: string | undefined): string[] {
  return fault === undefined ? [] : [`${where}: ${fault}`];
}
