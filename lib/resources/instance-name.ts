import { Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

/**
 * Returns a name that is unique in an account and region: the name of the stack and the path in it. The construct's
 * unique id does not contain the name of the stack, so it would be the same if one app is deployed twice.
 */
export function instanceName(batchdrop: Construct): string {
  const stack = Stack.of(batchdrop);
  const inside = batchdrop.node.scopes.slice(stack.node.scopes.length);
  return [stack.stackName, ...inside.map(({ node }) => node.id.replace(/[^\w-]/g, '-'))].join('.');
}
