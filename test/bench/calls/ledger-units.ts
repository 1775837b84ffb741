import type { AttributeValue, KeySchemaElement } from '@aws-sdk/client-dynamodb';
import type { TableDefinition } from '../../../local/aws/dynamodb/engine.ts';

/*
 * The units that DynamoDB bills for calls to the ledger, calculated from the requests and responses, because the local
 * DynamoDB does not calculate units of an index
 * ([source](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html)).
 */

/** An item in DynamoDB's JSON. */
export type Item = Record<string, AttributeValue>;

const WRITE_UNIT = 1_024;
const READ_UNIT = 4_096;

/** The attributes of one index. */
export interface IndexAttributes {
  /** An item without one of these has no entry in the index. */
  readonly keys: readonly string[];
  /** All attributes of an entry. */
  readonly projected: readonly string[];
}

/** Returns the indexes of a table. Throws for a projection of all attributes. */
export function indexesOf({ KeySchema, GlobalSecondaryIndexes = [] }: TableDefinition): IndexAttributes[] {
  return GlobalSecondaryIndexes.map((index) => {
    const { ProjectionType, NonKeyAttributes = [] } = index.Projection ?? {};
    if (ProjectionType === 'ALL') throw new Error(`${index.IndexName}: cannot count a projection of ALL`);
    const keys = namesIn(index.KeySchema);
    return { keys, projected: [...namesIn(KeySchema), ...keys, ...NonKeyAttributes] };
  });
}

function namesIn(schema: readonly KeySchemaElement[] = []): string[] {
  return schema.map(({ AttributeName = '' }) => AttributeName);
}

/** Returns the read units of a read that found these items. A read that finds nothing is also billed. */
export function readUnits(found: readonly Item[], isConsistent: boolean): number {
  const bytes = found.reduce((sum, item) => sum + bytesOf(item), 0);
  return Math.max(1, Math.ceil(bytes / READ_UNIT)) * (isConsistent ? 1 : 0.5);
}

/**
 * Returns the write units of the table, by the larger of the new and the old item. `item` is undefined if its condition
 * failed.
 */
export function writeUnits(item: Item | undefined, before: Item | undefined): number {
  return Math.max(1, unitsToWrite(item), unitsToWrite(before));
}

/** Returns the write units of all indexes. */
export function indexWriteUnits(
  indexes: readonly IndexAttributes[],
  item: Item,
  before: Item | undefined,
): number {
  return indexes.reduce(
    (sum, index) => sum + unitsOfIndex(index, entryIn(index, before), entryIn(index, item)),
    0,
  );
}

/**
 * Returns the write units of one index: one write if the entry was added, changed, or removed, two writes if its keys changed,
 * and none if it is the same ([source](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html)).
 */
function unitsOfIndex({ keys }: IndexAttributes, old: Item | undefined, changed: Item | undefined): number {
  if (JSON.stringify(old) === JSON.stringify(changed)) return 0;
  const hasSameKeys =
    old &&
    changed &&
    keys.every((name) => old[name]?.S === changed[name]?.S && old[name]?.N === changed[name]?.N);
  const units = [unitsToWrite(old), unitsToWrite(changed)] as const;
  return hasSameKeys ? Math.max(...units) : units[0] + units[1];
}

/** Returns the entry of an item; undefined if the item is not in the index. */
function entryIn({ keys, projected }: IndexAttributes, item: Item | undefined): Item | undefined {
  if (item === undefined || keys.some((name) => item[name] === undefined)) return undefined;
  return Object.fromEntries(projected.flatMap((name) => (item[name] ? [[name, item[name]]] : [])));
}

function unitsToWrite(item: Item | undefined): number {
  return item === undefined ? 0 : Math.ceil(bytesOf(item) / WRITE_UNIT);
}

function bytesOf(item: Item): number {
  return Object.entries(item).reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + sizeOf(value),
    0,
  );
}

/** A map or list takes 3 bytes, and 1 more per element ([source](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html)). */
function sizeOf({ S, N, BOOL, NULL, M, L }: AttributeValue): number {
  if (S !== undefined) return Buffer.byteLength(S);
  if (N !== undefined) return Math.ceil(N.length / 2) + 1;
  if (BOOL !== undefined || NULL !== undefined) return 1;
  if (M !== undefined) return 3 + Object.keys(M).length + bytesOf(M);
  if (L !== undefined) return L.reduce((sum, value) => sum + 1 + sizeOf(value), 3);
  throw new Error('unknown size of an attribute of this type');
}
