import { CfnResource, Stack } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/** Returns a construct if it is the resource of a template, of this type. */
export function resourceOf(type: string, construct: IConstruct | undefined): CfnResource | undefined {
  const isOne = construct && CfnResource.isCfnResource(construct) && construct.cfnResourceType === type;
  return isOne ? construct : undefined;
}

/** Returns all resources of a type in the app. */
export function resourcesInApp(type: string, anywhere: IConstruct): CfnResource[] {
  return anywhere.node.root.node.findAll().flatMap((one) => resourceOf(type, one) ?? []);
}

/**
 * Returns the properties as the template will have them, with overrides and late values. Only the resource itself can say
 * so, by the method with which stacks ask for it.
 */
export function propertiesOf(resource: CfnResource): Readonly<Record<string, unknown>> {
  const render: unknown = Reflect.get(resource, '_toCloudFormation');
  if (typeof render !== 'function') return {};
  const { Resources } = Stack.of(resource).resolve(Reflect.apply(render, resource, []));
  const [rendered] = Object.values<{ Properties?: Record<string, unknown> }>(Resources ?? {});
  return rendered?.Properties ?? {};
}
