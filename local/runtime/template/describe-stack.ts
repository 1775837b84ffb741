import type { Stack } from '../../aws/cloudformation/engine.ts';
import type { TemplateScope } from './template-scope.ts';

/** Returns the stack as CloudFormation would describe it once deployed: parameters, outputs and physical ids. */
export function describeStack(scope: TemplateScope): Stack {
  const { name, template } = scope;
  return {
    name,
    description: template.Description,
    parameters: Object.fromEntries(
      Object.entries(template.Parameters).map(([parameter, { Default }]) => [
        parameter,
        String(Default ?? ''),
      ]),
    ),
    outputs: Object.entries(template.Outputs)
      .filter(([, output]) => scope.isThere(output))
      .map(([key, { Value, Description }]) => ({
        key,
        value: String(scope.resolve(Value)),
        description: Description,
      })),
    resources: Object.entries(template.Resources)
      .filter(([, resource]) => scope.isThere(resource))
      .map(([logicalId, { Type, DeletionPolicy }]) => ({
        logicalId,
        physicalId: String(scope.ref(logicalId)),
        type: Type,
        ...(DeletionPolicy?.startsWith('Retain') && { isRetained: true }),
      })),
  };
}
