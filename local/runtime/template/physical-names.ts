const HASH = /[0-9A-F]{8}$/; // the CDK ends logical ids with eight hex digits of the construct's path
const MAX_NAME = 60; // below the shortest limit of any service (63, for a bucket)

/**
 * Returns readable names for resources: `BatchdropIntakeQueue1A2B3C4D` → `batchdrop-intake-queue`. They depend only on
 * the logical ids, so a restart finds the existing resources. If two ids have the same readable name, both keep their
 * hash.
 */
export function physicalNames(logicalIds: readonly string[]): Map<string, string> {
  const idsByName = Map.groupBy(logicalIds, (id) => legible(id.replace(HASH, '')));
  const names = new Map<string, string>();
  for (const [name, ids] of idsByName) {
    for (const id of ids) {
      const hash = HASH.exec(id)?.[0].toLowerCase();
      const isUnique = ids.length === 1 && name.length <= MAX_NAME;
      names.set(id, isUnique ? name : `${name.slice(0, MAX_NAME - 9)}-${hash ?? legible(id)}`);
    }
  }
  return names;
}

function legible(id: string): string {
  return id.replaceAll(/([a-z0-9])([A-Z])|([A-Z])([A-Z][a-z])/g, '$1$3-$2$4').toLowerCase();
}
