import { Failure } from '../../terminal/failure.ts';
import { BrokenRecord, DelimitedRecords } from './delimited-records.ts';
import { textOfFile } from './file-text.ts';
import type { Table, TableRow } from './table.ts';

/** How a CSV or TSV file is written. */
export interface DelimitedFormat {
  /** One character. */
  readonly delimiter: string;
  /** False if quotes are ordinary characters. */
  readonly quotes: boolean;
}

interface DelimitedFile extends DelimitedFormat {
  readonly path: string;
  /** Its name in messages. */
  readonly file: string;
  /** The number of the line with the column names. */
  readonly firstLine: number;
}

/** Excel writes this line before the column names, to say which delimiter it used. */
const SEPARATOR_LINE = /^sep=([^\r\n])\r?\n/i;

/** Opens a CSV or TSV file whose first row has the names of the columns. `isGiven`: the user chose the delimiter. */
export async function openDelimited(
  { path, file, delimiter, quotes }: Omit<DelimitedFile, 'firstLine'>,
  isGiven: boolean,
): Promise<Table> {
  const separator = SEPARATOR_LINE.exec(await firstText(path, file));
  const source: DelimitedFile = {
    ...{ path, file, quotes },
    delimiter: separator?.[1] !== undefined && !isGiven ? separator[1] : delimiter,
    firstLine: separator ? 2 : 1,
  };
  const columns = await columnsOf(source);
  return {
    columns,
    placeOf: (line) => `${file}:${line}`,
    rows: (wanted) => rowsOf(source, columns, wanted),
  };
}

async function firstText(path: string, file: string): Promise<string> {
  for await (const text of textOfFile(path, file)) if (text !== '') return text;
  throw new Failure(`${file} is empty. Its first row must have the names of the columns.`);
}

async function columnsOf(source: DelimitedFile): Promise<readonly string[]> {
  for await (const records of recordsOf(source)) {
    const [first] = records;
    if (first === undefined) continue;
    if (first.values.some((name) => name.includes('\r')))
      throw new Failure(`${source.file}: the lines end with CR alone. Convert them to LF or CRLF.`);
    return first.values;
  }
  throw new Failure(`${source.file} is empty. Its first row must have the names of the columns.`);
}

async function* rowsOf(
  source: DelimitedFile,
  columns: readonly string[],
  wanted: readonly string[],
): AsyncGenerator<TableRow[]> {
  const positions = wanted.map((name) => columns.indexOf(name));
  let isHeader = true;
  for await (const records of recordsOf(source)) {
    const rows: TableRow[] = [];
    for (const { values, line } of records) {
      if (isHeader) isHeader = false;
      else if (values.length !== columns.length) rows.push({ line, problem: raggedRow(values, columns) });
      else rows.push({ line, cells: positions.map((at) => values[at] ?? '') });
    }
    yield rows;
  }
}

function raggedRow(values: readonly string[], columns: readonly string[]): string {
  return `the row has ${values.length} values, but there are ${columns.length} columns`;
}

interface PlacedRecord {
  readonly values: readonly string[];
  readonly line: number;
}

async function* recordsOf(source: DelimitedFile): AsyncGenerator<PlacedRecord[]> {
  const { path, file, delimiter, quotes, firstLine } = source;
  let found: PlacedRecord[] = [];
  const records = new DelimitedRecords((values, line) => found.push({ values, line }), {
    ...{ delimiter, quotes, line: firstLine },
  });
  const take = () => {
    const taken = found;
    found = [];
    return taken;
  };
  let skip = firstLine > 1;
  try {
    for await (const text of textOfFile(path, file)) {
      records.push(skip ? text.replace(SEPARATOR_LINE, '') : text);
      if (text !== '') skip = false;
      yield take();
    }
    records.end();
    yield take();
  } catch (error) {
    if (!(error instanceof BrokenRecord)) throw error;
    throw new Failure(`${file}:${error.line}: ${error.message}`, { cause: error });
  }
}
