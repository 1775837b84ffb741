import type { PolicyCollection } from './read-policies.ts';
import type { Refusal } from './refusals.ts';
import type { FunctionPlan } from './stack-plan.ts';

/** The services on the endpoint, and those that a function does not call by itself: Lambda writes its log and its traces. */
const AVAILABLE: ReadonlySet<string> = new Set([
  's3',
  'sqs',
  'events',
  'dynamodb',
  'scheduler',
  'secretsmanager',
  'cloudformation',
  'logs',
  'xray',
  'ec2', // network interfaces
  'kms', // for buckets, queues and tables with a key, which are not encrypted here
]);

const ENDPOINT = 'AWS_ENDPOINT_URL_';

/**
 * Returns the functions whose roles allow calls of services that one machine does not have. They would start, and then fail
 * at their first call. A role that allows every action says nothing. A function that names the endpoint of a service itself, as the
 * SDK reads it, has one elsewhere.
 */
export function neededElsewhere(functions: readonly FunctionPlan[], policies: PolicyCollection): Refusal[] {
  return functions.flatMap(({ place, roleArn, environment }) => {
    if (Object.keys(environment).some((name) => name.startsWith(ENDPOINT))) return [];
    const allowed = (policies.ofRoles.get(roleArn) ?? []).filter(({ effect }) => effect === 'Allow');
    const actions = allowed.flatMap((statement) => statement.actions);
    const elsewhere = new Set(
      actions.filter((action) => action !== '*' && !AVAILABLE.has(serviceOf(action))),
    );
    if (elsewhere.size === 0) return [];
    const reason = `its role allows ${[...elsewhere].join(', ')}, and this service does not run here; if it runs elsewhere, set ${ENDPOINT}SERVICE in the environment of the function`;
    return [{ place, type: 'AWS::Lambda::Function', reason }];
  });
}

function serviceOf(action: string): string {
  return action.slice(0, action.indexOf(':')).toLowerCase();
}
