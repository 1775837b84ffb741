import type { Template } from 'aws-cdk-lib/assertions';

/** One allowed action on one resource. */
export interface Permission {
  role: string;
  action: string;
  resource: string;
}

/** Returns every permission of the roles in a template, with resources as construct paths. */
export function permissionsIn(template: Template): Permission[] {
  const permissions: Permission[] = [];
  for (const { Properties: policy } of resources(template, 'AWS::IAM::Policy')) {
    for (const role of list(at(policy, 'Roles'))) {
      for (const statement of list(at(policy, 'PolicyDocument', 'Statement'))) {
        if (at(statement, 'Effect') !== 'Allow') continue;
        for (const action of list(at(statement, 'Action'))) {
          for (const resource of list(at(statement, 'Resource'))) {
            permissions.push({ role: legible(role), action: String(action), resource: legible(resource) });
          }
        }
      }
    }
  }
  return permissions;
}

/** Returns the resources of one type. */
export function resources(
  template: Template,
  type: string,
): { id: string; Properties: unknown; all: unknown }[] {
  return Object.entries(template.findResources(type)).map(([id, resource]) => ({
    id: withoutHash(id),
    Properties: resource.Properties,
    all: resource,
  }));
}

/** Returns the value at a path in JSON, or undefined. */
export function at(json: unknown, ...path: (string | number)[]): unknown {
  return path.reduce<unknown>(
    (here, step) => (typeof here === 'object' && here !== null ? Reflect.get(here, step) : undefined),
    json,
  );
}

/** Returns a single value or an array as an array. */
export function list(json: unknown): unknown[] {
  if (json === undefined) return [];
  return Array.isArray(json) ? json : [json];
}

/** Returns text with references in angle brackets and logical ids without hashes. */
export function legible(json: unknown): string {
  if (typeof json === 'string') return json;
  const reference = at(json, 'Ref');
  if (typeof reference === 'string') return `<${withoutHash(reference)}>`;
  const [id, attribute] = list(at(json, 'Fn::GetAtt'));
  if (typeof id === 'string') return `<${withoutHash(id)}.${String(attribute)}>`;
  const pieces = at(json, 'Fn::Join', 1);
  if (Array.isArray(pieces)) return pieces.map(legible).join(String(at(json, 'Fn::Join', 0)));
  return JSON.stringify(json);
}

function withoutHash(id: string): string {
  return id.replace(/[0-9A-F]{8}$/, '').replace(/^Batchdrop/, '');
}
