import { open, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { binaryFormatOf, HEAD_BYTES } from '../../../functions/shared/request-file/foreign-format.ts';
import { Failure } from '../../terminal/failure.ts';
import { openDelimited } from './delimited-table.ts';
import { openJsonLines } from './json-lines-table.ts';
import type { Table } from './table.ts';

export const TABLE_FORMATS = ['csv', 'tsv', 'jsonl', 'parquet'] as const;

/** A format of data files. */
export type TableFormat = (typeof TABLE_FORMATS)[number];

const FORMAT_OF_EXTENSION: Readonly<Record<string, TableFormat>> = {
  '.csv': 'csv',
  '.tsv': 'tsv',
  '.tab': 'tsv',
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
  '.parquet': 'parquet',
  '.pq': 'parquet',
};
const FORMAT_NAMES = { csv: 'CSV', tsv: 'TSV', jsonl: 'JSON Lines', parquet: 'Parquet' } as const;
const DELIMITERS = { csv: ',', tsv: '\t' } as const;
const PARQUET_MAGIC = 'PAR1';

/** A data file and how to read it. */
export interface TableSource {
  /** A path that can be read several times. */
  readonly path: string;
  /** Its name in messages. */
  readonly file: string;
  /** Default: by the extension of `file`. */
  readonly format?: TableFormat | undefined;
  /** One character between the values of a CSV or TSV file. */
  readonly delimiter?: string | undefined;
  /** False if quotes are ordinary characters in a CSV or TSV file. */
  readonly quotes?: boolean | undefined;
}

/** Opens a data file. Throws a Failure that says what is wrong with the file. */
export async function openTable(source: TableSource): Promise<Table> {
  const { path, file, delimiter, quotes = true } = source;
  const format = source.format ?? FORMAT_OF_EXTENSION[extname(file).toLowerCase()];
  if (format === undefined) {
    const known = Object.keys(FORMAT_OF_EXTENSION).join(', ');
    throw new Failure(
      `The format of ${file} is unknown. Add --from csv, tsv, jsonl or parquet, or use ${known}.`,
    );
  }
  refuseTextOptions(source, format);
  const head = await headOf(path, file);
  if (format === 'parquet') {
    if (head.toString('latin1', 0, PARQUET_MAGIC.length) !== PARQUET_MAGIC)
      throw new Failure(`${file} is not a Parquet file.`);
    return (await import('./parquet-table.ts')).openParquet({ path, file });
  }
  refuseBinary(head, file, format);
  if (format === 'jsonl') return openJsonLines({ path, file });
  const given = { path, file, delimiter: delimiter ?? DELIMITERS[format], quotes };
  return openDelimited(given, delimiter !== undefined);
}

/** They would change nothing: then the user is mistaken about the option or the format. */
function refuseTextOptions({ file, delimiter, quotes }: TableSource, format: TableFormat): void {
  if (format === 'csv' || format === 'tsv') return;
  const option = delimiter !== undefined ? '--delimiter' : quotes === false ? '--no-quotes' : undefined;
  if (option === undefined) return;
  throw new Failure(
    `${option} is for CSV and TSV, but ${file} is ${FORMAT_NAMES[format]}. Leave it out, or add --from csv.`,
  );
}

async function headOf(path: string, file: string): Promise<Buffer> {
  try {
    const facts = await stat(path);
    if (facts.isDirectory()) throw new Failure(`'${file}' is a directory. Give a file.`);
    // What is read from a pipe cannot be read again.
    if (!facts.isFile()) throw new Failure(`'${file}' is not a regular file. Copy it to a file first.`);
    const handle = await open(path);
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    throw new Failure(`${file} cannot be read: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}

function refuseBinary(head: Buffer, file: string, format: TableFormat): void {
  const is = binaryFormatOf(head);
  if (is === undefined) return;
  throw new Failure(`${file} is ${is}, not ${FORMAT_NAMES[format]} in UTF-8. ${adviceFor(is, file)}`);
}

function adviceFor(is: string, file: string): string {
  if (/\.xls[xmb]?$/i.test(file) || is.includes('ZIP'))
    return 'Decompress it. From Excel, save it as CSV UTF-8.';
  if (is.includes('UTF-')) return 'Save it as UTF-8.';
  if (is.includes('Parquet')) return 'Add --from parquet.';
  return is.includes('compressed') ? 'Decompress it first.' : 'Export it as CSV, TSV, JSON Lines or Parquet.';
}
