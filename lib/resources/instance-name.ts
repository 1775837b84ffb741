import { Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

/**
 * Tells one Batchdrop from every other of its account and region: the name of the stack, and the path in it. A construct's
 * own unique id would not do: it leaves out the stack's name, so that one app deployed twice would clash.
 */
export function instanceName(batchdrop: Construct): string {
  const stack = Stack.of(batchdrop);
  const inside = batchdrop.node.scopes.slice(stack.node.scopes.length);
  return [stack.stackName, ...inside.map(({ node }) => node.id.replace(/[^\w-]/g, '-'))].join('.');
}
