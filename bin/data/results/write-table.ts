import { createWriteStream, existsSync, statSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createPriceList } from '../../../functions/shared/adapters/lambda/compose-price-list.ts';
import type { Job } from '../../../functions/shared/domain/job.ts';
import type { Connection } from '../../connection/connection.ts';
import { escapeControlCharacters } from '../../terminal/escape-control-characters.ts';
import { Failure } from '../../terminal/failure.ts';
import { pricesIn } from '../../up/prices-file.ts';
import { openJobFiles } from './job-files.ts';
import { JoinedRows } from './joined-rows.ts';
import { type ResultsTable, resultsTable } from './results-table.ts';
import type { TableFormat } from './table-formats.ts';
import { tableReport } from './table-report.ts';

/** The options of `results` that describe a table. */
export interface TableFlags {
  readonly format?: TableFormat;
  readonly join?: string;
  readonly id?: string;
  /** Names, separated by commas. */
  readonly fields?: string;
  readonly spreadsheet?: boolean;
  readonly requests?: string;
  readonly prices?: string;
}

/** Throws a Failure for an option that would have no effect. */
export function checkTableFlags(flags: TableFlags): void {
  const { format } = flags;
  for (const name of ['join', 'fields', 'spreadsheet', 'requests', 'prices'] as const)
    if (flags[name] !== undefined && format === undefined)
      throw new Failure(`--${name} works only with --format csv, parquet or jsonl.`);
  if (flags.spreadsheet && format !== 'csv') throw new Failure('--spreadsheet works only with --format csv.');
  if (flags.id !== undefined && flags.join === undefined)
    throw new Failure('--id works only with --join FILE.');
}

/** Writes the results of an ended job as one table, and prints on stderr what it has and lacks. Throws a Failure. */
export async function writeTable(
  connection: Connection,
  job: Job,
  flags: TableFlags & { readonly format: TableFormat; readonly out?: string },
): Promise<void> {
  if (job.plan === undefined)
    throw new Failure(`Job ${job.jobId} ended as ${job.status} before anything was sent, so it has no rows.`);
  const prices = createPriceList(flags.prices === undefined ? undefined : await pricesIn(flags.prices));
  const joined =
    flags.join === undefined
      ? undefined
      : await JoinedRows.open({ path: flags.join, file: flags.join }, flags.id);
  try {
    const files = await openJobFiles(connection, job, flags);
    try {
      const table = await resultsTable(files, {
        format: flags.format,
        ...(flags.fields === undefined ? {} : { fields: flags.fields.split(',').map((name) => name.trim()) }),
        forSpreadsheets: flags.spreadsheet ?? false,
        ...(joined ? { joined } : {}),
        prices: prices.at(job.createdAt),
      });
      await store(table, flags.out);
      for (const line of tableReport(table.counts, joined?.counts))
        console.error(escapeControlCharacters(line));
    } finally {
      files.discard();
    }
  } finally {
    await joined?.close();
  }
}

/** Prints the table, or stores it completely or not at all. */
async function store(table: ResultsTable, out: string | undefined): Promise<void> {
  const bytes = Readable.from(table.bytes(), { objectMode: true, highWaterMark: 1 });
  if (out === undefined) {
    await pipeline(bytes, process.stdout, { end: false }).catch((failure: NodeJS.ErrnoException) => {
      if (failure.code !== 'EPIPE') throw failure; // the reader wants no more, as `head`
    });
    return;
  }
  if (existsSync(out) && statSync(out).isDirectory())
    throw new Failure(`'${out}' is a directory. Give a file.`);
  const draft = `${out}.part`;
  try {
    await pipeline(bytes, createWriteStream(draft));
    await rename(draft, out);
  } catch (failure) {
    await rm(draft, { force: true });
    throw failure;
  }
}
