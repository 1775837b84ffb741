import { Aws, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

/**
 * The context key that makes CloudFormation put the name of the stack in, at each deployment. A template that is written for
 * others (`lib/template`) needs it. A CDK app knows the name at synth, and other stacks can use it there.
 */
export const NAMED_BY_CLOUDFORMATION = 'batchdrop:named-by-cloudformation';

/**
 * Returns a name that is unique in an account and region: the name of the stack and the path in it. The construct's
 * unique id does not contain the name of the stack, so it would be the same if one app is deployed twice.
 */
export function instanceName(batchdrop: Construct): string {
  const stack = Stack.of(batchdrop);
  const isLate = batchdrop.node.tryGetContext(NAMED_BY_CLOUDFORMATION) === true;
  const inside = batchdrop.node.scopes.slice(stack.node.scopes.length);
  const path = inside.map(({ node }) => node.id.replace(/[^\w-]/g, '-'));
  return [isLate ? Aws.STACK_NAME : stack.stackName, ...path].join('.');
}
