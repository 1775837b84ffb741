import type { FileMetaData, SchemaElement, SchemaTree } from 'hyparquet';
import type { ParquetParsers } from 'hyparquet/src/types.js';
import { Failure } from '../../terminal/failure.ts';
import {
  bigEndianNumber,
  dateText,
  decimalText,
  JsonText,
  jsonOf,
  NotJson,
  NotText,
  timestampText,
  timeText,
} from './parquet-values.ts';
import type { Cell } from './table.ts';

/** How to read a column so that no digit is lost. */
export interface ParquetColumn {
  readonly name: string;
  /** The metadata of the file, in which the library leaves this column's decimals and times as they are. */
  readonly metadata: FileMetaData;
  readonly parsers: Partial<ParquetParsers>;
  /** A list, a map or a struct. */
  readonly isNested: boolean;
  /** Returns the value as a cell. Errors: NotJson. */
  toCell(value: unknown): Cell;
}

const UNITS = { MILLIS: 1_000n, MICROS: 1_000_000n, NANOS: 1_000_000_000n } as const;
/** Decimals with more digits are not exact as JavaScript numbers. */
const EXACT_DIGITS = 15;

/** Returns how to read the top-level column `tree`. Throws a Failure if its values cannot be read exactly. */
export function parquetColumn(metadata: FileMetaData, tree: SchemaTree, file: string): ParquetColumn {
  const { element } = tree;
  const name = element.name;
  const isNested = tree.children.length > 0 || element.repetition_type === 'REPEATED';
  const leaves = leavesOf(tree);
  const refuse = (what: string): never => {
    throw new Failure(`${file}: column ${JSON.stringify(name)} has ${what}. Convert it to text first.`);
  };
  const zones = new Set(leaves.flatMap((leaf) => zoneOf(leaf) ?? []));
  if (zones.size > 1) refuse('timestamps with and without a time zone');
  for (const leaf of isNested ? leaves : []) {
    if (isDecimal(leaf) && (leaf.precision ?? 0) > EXACT_DIGITS)
      refuse(`decimals of ${leaf.precision} digits in a list or struct`);
    if (timeUnitOf(leaf) !== undefined) refuse('times of day in a list or struct');
  }
  const convert = isNested ? undefined : conversionOf(element);
  return {
    ...{ name, isNested },
    metadata: convert === undefined ? metadata : withRawColumn(metadata, element),
    parsers: parsersOf([...zones][0] ?? '', isDecimal(element) && !isNested),
    toCell: convert === undefined ? cellOf : (value) => cellOf(convert(value)),
  };
}

/** The values of leaf columns that the library would round, or return without their unit. */
function conversionOf(element: SchemaElement): ((value: unknown) => unknown) | undefined {
  if (isDecimal(element)) {
    const scale = element.scale ?? 0;
    return (value) => {
      const unscaled = value instanceof Uint8Array ? bigEndianNumber(value) : integerOf(value);
      return unscaled === undefined ? value : new JsonText(decimalText(unscaled, scale));
    };
  }
  const unit = timeUnitOf(element);
  if (unit === undefined) return undefined;
  return (value) => {
    const count = integerOf(value);
    return count === undefined ? value : timeText(count, unit);
  };
}

function integerOf(value: unknown): bigint | undefined {
  return typeof value === 'bigint' || typeof value === 'number' ? BigInt(value) : undefined;
}

function cellOf(value: unknown): Cell {
  if (typeof value === 'string') return value;
  if (value === null || value === undefined) return null;
  if (value instanceof NotText) throw new NotJson('it is text that is not valid UTF-8');
  // A number that JSON does not have, such as NaN, is text.
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  return { json: jsonOf(value) };
}

/** `isRaw`: a decimal in bytes of any length. */
function parsersOf(zone: 'Z' | '', isRaw: boolean): Partial<ParquetParsers> {
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const textOf = (bytes: Uint8Array | undefined) => {
    if (bytes === undefined) return undefined;
    try {
      return text.decode(bytes);
    } catch {
      return new NotText();
    }
  };
  const timestamp = (unit: bigint) => (count: bigint | undefined) =>
    count === undefined ? undefined : timestampText(BigInt(count), unit, zone);
  return {
    timestampFromMilliseconds: timestamp(UNITS.MILLIS),
    timestampFromMicroseconds: timestamp(UNITS.MICROS),
    timestampFromNanoseconds: timestamp(UNITS.NANOS),
    dateFromDays: (days: number | undefined) => (days === undefined ? undefined : dateText(days)),
    stringFromBytes: isRaw ? (bytes: Uint8Array) => bytes : textOf,
    jsonFromBytes(bytes: Uint8Array | undefined) {
      const json = textOf(bytes);
      return typeof json === 'string' ? new JsonText(json) : json;
    },
  };
}

/** Removes the column's type, so that the library returns what is stored. */
function withRawColumn(metadata: FileMetaData, column: SchemaElement): FileMetaData {
  const schema = metadata.schema.map((element) => {
    if (element !== column) return element;
    const { converted_type: _, logical_type: __, ...raw } = element;
    return raw;
  });
  return { ...metadata, schema };
}

function leavesOf(tree: SchemaTree): SchemaElement[] {
  return tree.children.length === 0 ? [tree.element] : tree.children.flatMap(leavesOf);
}

function isDecimal({ converted_type: converted, logical_type: logical }: SchemaElement): boolean {
  return converted === 'DECIMAL' || logical?.type === 'DECIMAL';
}

function timeUnitOf({ converted_type: converted, logical_type: logical }: SchemaElement): bigint | undefined {
  if (logical?.type === 'TIME') return UNITS[logical.unit];
  if (converted === 'TIME_MILLIS') return UNITS.MILLIS;
  return converted === 'TIME_MICROS' ? UNITS.MICROS : undefined;
}

/** Older files have only the converted type, whose times are in UTC. The oldest type has no zone. */
function zoneOf({
  type,
  converted_type: converted,
  logical_type: logical,
}: SchemaElement): 'Z' | '' | undefined {
  if (logical?.type === 'TIMESTAMP') return logical.isAdjustedToUTC ? 'Z' : '';
  if (converted === 'TIMESTAMP_MILLIS' || converted === 'TIMESTAMP_MICROS') return 'Z';
  return type === 'INT96' ? '' : undefined;
}
