/**
 * Reads Parquet files with hyparquet, which is loaded only for them. Only the wanted columns are read, some thousand
 * rows at a time. If the file has no offset index, the bytes of these columns are kept for one row group, still
 * compressed. A column of lists or structs is decoded for one row group at a time.
 */
import { type FileHandle, open } from 'node:fs/promises';
import type { AsyncBuffer, DecodedArray, FileMetaData, ParquetScan, SchemaTree } from 'hyparquet';
import { Failure, sentenceOf } from '../../terminal/failure.ts';
import { type ParquetColumn, parquetColumn } from './parquet-column.ts';
import { pageDecompressors } from './parquet-compression.ts';
import { NotJson } from './parquet-values.ts';
import type { Cell, Table, TableRow } from './table.ts';

/** How many bytes of decoded values are read at a time, roughly. */
const WINDOW_BYTES = 8_000_000;
const MAX_WINDOW_ROWS = 20_000;
const MIN_WINDOW_ROWS = 200;
const MAX_READ_BYTES = 1_000_000_000; // the system reads at most 2 GiB at once

interface ParquetFile {
  readonly path: string;
  readonly file: string;
  readonly metadata: FileMetaData;
  readonly tree: SchemaTree;
}

/** Opens a Parquet file. Throws a Failure if it is none, or needs a codec that is not supported. */
export async function openParquet({ path, file }: { path: string; file: string }): Promise<Table> {
  const source = await withFile(path, file, async (bytes) => {
    const { parquetMetadataAsync, parquetSchema } = await import('hyparquet');
    const metadata = await parquetMetadataAsync(bytes, { geoparquet: false });
    return { path, file, metadata, tree: parquetSchema(metadata) };
  });
  const columns = source.tree.children.map(({ element }) => element.name);
  return {
    columns,
    placeOf: (line) => `${file}: row ${line}`,
    rows: (wanted) => rowsOf(source, wanted),
  };
}

async function* rowsOf(source: ParquetFile, wanted: readonly string[]): AsyncGenerator<TableRow[]> {
  const { path, file, metadata, tree } = source;
  const columns = wanted.map((name) => {
    const found = tree.children.find(({ element }) => element.name === name);
    if (!found) throw new Failure(`${file} has no column ${JSON.stringify(name)}.`);
    return parquetColumn(metadata, found, file);
  });
  const handle = await open(path);
  try {
    const scans = await Promise.all(columns.map((column) => scanOf(handle, column, file)));
    let line = 1;
    for (const [from, to] of windowsOf(source, columns)) {
      const rows = await readWindow(scans, columns, from, to).catch((cause) => {
        throw unreadable(file, cause);
      });
      yield rows.map((cells) =>
        Array.isArray(cells) ? { line: line++, cells } : { line: line++, problem: cells },
      );
    }
  } finally {
    await handle.close();
  }
}

async function scanOf(handle: FileHandle, column: ParquetColumn, file: string): Promise<ParquetScan> {
  const { parquetScan } = await import('hyparquet');
  try {
    return await parquetScan({
      file: keepingLast(await bytesOf(handle)),
      metadata: column.metadata,
      columns: [column.name],
      parsers: column.parsers,
      compressors: pageDecompressors(),
      geoparquet: false,
    });
  } catch (cause) {
    throw unreadable(file, cause);
  }
}

/** Returns the cells of each row, or what is wrong with it. */
async function readWindow(
  scans: readonly ParquetScan[],
  columns: readonly ParquetColumn[],
  rowStart: number,
  rowEnd: number,
): Promise<(Cell[] | string)[]> {
  const values: DecodedArray[] = [];
  for (const [at, scan] of scans.entries()) {
    const column = columns[at]?.name ?? '';
    values.push(await scan.readColumn({ column, rowStart, rowEnd }));
  }
  return Array.from({ length: rowEnd - rowStart }, (_, row) => {
    const cells: Cell[] = [];
    for (const [at, column] of columns.entries()) {
      try {
        cells.push(column.toCell(values[at]?.[row]));
      } catch (error) {
        if (!(error instanceof NotJson)) throw error;
        return `column ${JSON.stringify(column.name)}: ${error.message}`;
      }
    }
    return cells;
  });
}

/** Returns ranges of rows, none of which is in two row groups. */
function* windowsOf(
  { metadata }: ParquetFile,
  columns: readonly ParquetColumn[],
): Generator<[number, number]> {
  const names = new Set(columns.map(({ name }) => name));
  const isNested = columns.some((column) => column.isNested);
  let begin = 0;
  for (const group of metadata.row_groups) {
    const rows = Number(group.num_rows);
    const bytes = group.columns
      .filter(({ meta_data: meta }) => names.has(meta?.path_in_schema[0] ?? ''))
      .reduce((sum, { meta_data: meta }) => sum + Number(meta?.total_uncompressed_size ?? 0), 0);
    const fitting = Math.floor((WINDOW_BYTES * rows) / Math.max(1, bytes));
    const size = isNested ? rows : Math.min(MAX_WINDOW_ROWS, Math.max(MIN_WINDOW_ROWS, fitting));
    for (let from = 0; from < rows; from += size) yield [begin + from, begin + Math.min(rows, from + size)];
    begin += rows;
  }
}

async function withFile<T>(path: string, file: string, read: (bytes: AsyncBuffer) => Promise<T>): Promise<T> {
  const handle = await open(path);
  try {
    return await read(await bytesOf(handle));
  } catch (cause) {
    throw unreadable(file, cause);
  } finally {
    await handle.close();
  }
}

async function bytesOf(handle: FileHandle): Promise<AsyncBuffer> {
  const { size } = await handle.stat();
  return {
    byteLength: size,
    async slice(start, end = size) {
      if (!(start >= 0 && start <= end && end <= size))
        throw new RangeError('it refers to bytes outside of the file');
      const bytes = new Uint8Array(end - start);
      for (let at = 0; at < bytes.length; ) {
        const { bytesRead } = await handle.read(
          bytes,
          at,
          Math.min(MAX_READ_BYTES, bytes.length - at),
          start + at,
        );
        if (bytesRead === 0) throw new RangeError('the file became shorter');
        at += bytesRead;
      }
      return bytes.buffer;
    },
  };
}

/** Without an offset index, every window reads the same bytes: those of the column in the row group. */
function keepingLast(bytes: AsyncBuffer): AsyncBuffer {
  let last: { start: number; end: number | undefined; content: ReturnType<AsyncBuffer['slice']> } | undefined;
  return {
    byteLength: bytes.byteLength,
    slice(start, end) {
      if (last?.start === start && last.end === end) return last.content;
      last = { start, end, content: bytes.slice(start, end) };
      return last.content;
    },
  };
}

function unreadable(file: string, cause: unknown): Failure {
  if (cause instanceof Failure) return cause;
  return new Failure(`${file} cannot be read as Parquet: ${sentenceOf(cause)}`, { cause });
}
