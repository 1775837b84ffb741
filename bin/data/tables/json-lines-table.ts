import { FILE_LIMITS } from '../../../functions/shared/contract/request-file.ts';
import { Failure } from '../../terminal/failure.ts';
import { textOfFile } from './file-text.ts';
import { membersOf } from './json-members.ts';
import { type Cell, columnsShown, type Table, type TableRow } from './table.ts';

/** Opens a file with one JSON object on each line. Blank lines are no rows. */
export function openJsonLines({ path, file }: { path: string; file: string }): Table {
  return {
    columns: undefined,
    placeOf: (line) => `${file}:${line}`,
    rows: (wanted, { mayBeAbsent } = { mayBeAbsent: false }) =>
      rowsOf(path, file, (text, line) => rowOf(text, { line, wanted, mayBeAbsent })),
  };
}

/** Returns the columns of all rows, in the order in which they first occur. Reads the whole file. Throws a Failure. */
export async function columnsOfJsonLines({ path, file }: { path: string; file: string }): Promise<string[]> {
  const columns = new Set<string>();
  const read = (text: string): string[] => {
    const row = objectIn(text);
    return typeof row === 'string' ? [] : Object.keys(row); // `rows` reports what is no object
  };
  for await (const rows of rowsOf(path, file, read)) for (const name of rows.flat()) columns.add(name);
  return [...columns];
}

async function* rowsOf<Row>(
  path: string,
  file: string,
  read: (text: string, line: number) => Row,
): AsyncGenerator<Row[]> {
  let line = 0;
  let begun: string[] = [];
  let begunLength = 0;
  const rows: Row[] = [];
  const add = (text: string) => {
    line += 1;
    if (!/^[ \t\r]*$/.test(text)) rows.push(read(text, line));
  };
  for await (const text of textOfFile(path, file)) {
    let from = 0;
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', from)) {
      add(begun.length === 0 ? text.slice(from, at) : begun.join('') + text.slice(from, at));
      begun = [];
      begunLength = 0;
      from = at + 1;
    }
    begun.push(text.slice(from));
    begunLength += text.length - from;
    if (begunLength > FILE_LIMITS.rowBytes)
      throw new Failure(`${file}:${line + 1}: the line is longer than ${FILE_LIMITS.rowBytes} bytes.`);
    yield rows.splice(0);
  }
  if (begunLength > 0) add(begun.join(''));
  yield rows.splice(0);
}

function rowOf(
  text: string,
  { line, wanted, mayBeAbsent }: { line: number; wanted: readonly string[]; mayBeAbsent: boolean },
): TableRow {
  const row = objectIn(text);
  if (typeof row === 'string') return { line, problem: row };
  const missing = wanted.find((name) => !Object.hasOwn(row, name));
  if (missing !== undefined && !mayBeAbsent)
    return { line, problem: missingMember(missing, Object.keys(row)) };
  let sources: ReadonlyMap<string, string> | undefined;
  const cellOf = (name: string): Cell => {
    const value = Object.hasOwn(row, name) ? row[name] : null;
    if (typeof value === 'string' || value === null) return value;
    if (typeof value === 'boolean' || Number.isSafeInteger(value)) return { json: String(value) };
    sources ??= membersOf(text); // only their text has every digit
    return { json: sources.get(name) ?? 'null' };
  };
  return { line, cells: wanted.map(cellOf) };
}

/** Returns the object of the line, or what is wrong with the line. */
function objectIn(text: string): Record<string, unknown> | string {
  try {
    const parsed: unknown = JSON.parse(text);
    return isObject(parsed) ? parsed : 'the line is not a JSON object';
  } catch {
    return 'the line is not JSON';
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function missingMember(name: string, known: readonly string[]): string {
  return `the row has no column ${JSON.stringify(name)}. ${columnsShown(known)}`;
}
