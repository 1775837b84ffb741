import { createHash } from 'node:crypto';

const HASH = /[0-9A-F]{8}$/; // the CDK ends logical ids with eight hex digits of the construct's path
const MAX_NAME = 60; // below the shortest limit of any service (63, for a bucket)

/** A resource by the name of its stack and its logical id. */
interface ResourceId {
  readonly stack: string;
  readonly logicalId: string;
}

/**
 * Returns readable names for resources: `IntakeQueue1A2B3C4D` of the stack `Reports` → `reports-intake-queue`. They depend only on
 * the ids, so a restart finds the existing resources. The stack is not named twice: `ReportsQueue1A2B3C4D` → `reports-queue`. If two
 * have the same readable name, both get a hash. The keys are those of `keyOf`.
 */
export function physicalNames(resources: readonly ResourceId[]): Map<string, string> {
  const byName = Map.groupBy(resources, readableName);
  const names = new Map<string, string>();
  for (const [name, alike] of byName) {
    const isUnique = alike.length === 1 && name.length <= MAX_NAME;
    const stacks = new Set(alike.map(({ stack }) => stack));
    for (const resource of alike) {
      const ending = stacks.size > 1 ? digestOf(resource) : hashOf(resource);
      names.set(keyOf(resource), isUnique ? name : `${name.slice(0, MAX_NAME - 9)}-${ending}`);
    }
  }
  return names;
}

/** Neither part can contain a slash. */
export function keyOf({ stack, logicalId }: ResourceId): string {
  return `${stack}/${logicalId}`;
}

function readableName({ stack, logicalId }: ResourceId): string {
  const [prefix, own] = [legible(stack), legible(logicalId.replace(HASH, ''))];
  return own === prefix || own.startsWith(`${prefix}-`) ? own : `${prefix}-${own}`;
}

function hashOf({ logicalId }: ResourceId): string {
  return HASH.exec(logicalId)?.[0].toLowerCase() ?? legible(logicalId);
}

function digestOf(resource: ResourceId): string {
  return createHash('sha256').update(keyOf(resource)).digest('hex').slice(0, 8);
}

function legible(id: string): string {
  return id.replaceAll(/([a-z0-9])([A-Z])|([A-Z])([A-Z][a-z])/g, '$1$3-$2$4').toLowerCase();
}
