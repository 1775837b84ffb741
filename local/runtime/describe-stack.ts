import type { Stack } from '../aws/cloudformation/engine.ts';
import type { Template } from './assembly.ts';
import { resolve } from './intrinsics.ts';
import { TemplateScope } from './template-scope.ts';

/** Returns the stack as CloudFormation would describe it once deployed: parameters, outputs and physical ids. */
export function describeStack(template: Template, endpointUrl: string): Stack {
  const scope = new TemplateScope(template, endpointUrl);
  const isThere = ({ Condition }: { readonly Condition?: string }) =>
    Condition === undefined || scope.condition(Condition);
  return {
    name: String(scope.ref('AWS::StackName')),
    description: template.Description,
    parameters: Object.fromEntries(
      Object.entries(template.Parameters).map(([name, { Default }]) => [name, String(Default ?? '')]),
    ),
    outputs: Object.entries(template.Outputs)
      .filter(([, output]) => isThere(output))
      .map(([key, { Value, Description }]) => ({
        key,
        value: String(resolve(Value, scope)),
        description: Description,
      })),
    resources: Object.entries(template.Resources)
      .filter(([, resource]) => isThere(resource))
      .map(([logicalId, { Type, DeletionPolicy }]) => ({
        logicalId,
        physicalId: String(scope.ref(logicalId)),
        type: Type,
        ...(DeletionPolicy?.startsWith('Retain') && { isRetained: true }),
      })),
  };
}
