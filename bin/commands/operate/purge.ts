import { Command } from 'commander';
import { confirm, placeShown } from '../../connection/confirm-place.ts';
import {
  type ActionOptions,
  type Connection,
  withActionOptions,
  withConnection,
} from '../../connection/connection.ts';
import { findJob } from '../../jobs/find-job.ts';
import { contentsOf, type FoundObjects, type JobContents } from '../../operations/purge/job-contents.ts';
import { purgeJob } from '../../operations/purge/purge-job.ts';
import { bytesShown, counted } from '../../terminal/amounts.ts';
import { escapeControlCharacters } from '../../terminal/escape-control-characters.ts';
import { withExamples } from '../../terminal/examples.ts';
import { type FormatOptions, isForPeople, printFacts } from '../../terminal/output-format.ts';

interface Options extends ActionOptions, FormatOptions {
  readonly dryRun?: boolean;
  readonly costs?: boolean;
  readonly leaveApiFiles?: boolean;
}

/** `batchdrop purge JOB`: deletes everything that Batchdrop has of an ended job. */
export function purgeCommand(): Command {
  return withExamples(
    withActionOptions(
      new Command('purge')
        .summary('Delete the contents of an ended job for good')
        .description(
          'Delete the contents of an ended job for good: the versions of its request file, its results, its files at the API, and what the ledger knows of it. It shows them first, and asks. What the job cost stays, unless you add --costs.',
        )
        .argument('<job>', 'a job id, or its first characters')
        .option('--dry-run', 'only show what would be deleted')
        .option('--costs', 'delete the record of what the job cost as well')
        .option('--leave-api-files', 'leave the files at the API, which deletes them after 30 days'),
    ),
    'batchdrop purge kntg2abc',
    'batchdrop purge kntg2abc --dry-run',
  ).action(purge);
}

async function purge(id: string, options: Options): Promise<void> {
  await withConnection(options, async (connection) => {
    const contents = await contentsOf(connection, await findJob(connection, id));
    const { job } = contents;
    const lines = linesOf(connection, contents, options).map(escapeControlCharacters);
    if (isForPeople(options)) for (const line of lines) console.log(line);
    if (!options.dryRun) {
      if (!options.yes)
        await confirm(`Delete all this of job ${job.jobId}${placeShown(connection)}? It cannot be undone.`);
      await purgeJob(connection, contents, {
        leavesApiFiles: options.leaveApiFiles ?? false,
        includesCosts: options.costs ?? false,
      });
    }
    const purged = !options.dryRun;
    printFacts(options, { jobId: job.jobId, purged, ...factsOf(contents, options) }, () =>
      purged ? [`Purged job ${job.jobId}.`] : ['Nothing was deleted.'],
    );
  });
}

function factsOf(contents: JobContents, { costs = false, leaveApiFiles = false }: Options) {
  const { requests, results, items, files, costRecord, copies, others } = contents;
  return {
    requestFileVersions: sizeOf([requests]),
    resultObjects: sizeOf(results),
    apiFiles: leaveApiFiles ? 0 : files.length,
    ledgerItems: items,
    copies,
    leftJobs: others,
    costRecord: costRecord === undefined ? 'absent' : costs ? 'deleted' : 'kept',
  };
}

function sizeOf(found: readonly FoundObjects[]): { count: number; bytes: number } {
  const all = found.flatMap(({ versions }) => versions);
  return { count: all.length, bytes: all.reduce((sum, { bytes }) => sum + bytes, 0) };
}

function linesOf({ names }: Connection, contents: JobContents, options: Options): string[] {
  const { job, requests, copies, others, costRecord, batchIds, files } = contents;
  const { resultObjects, requestFileVersions, ledgerItems } = factsOf(contents, options);
  const shown = ({ count, bytes }: { count: number; bytes: number }) =>
    `${counted(count, 'version', 'versions')} (${bytesShown(bytes)})`;
  const again =
    copies.length === 0
      ? ''
      : `, also of ${counted(copies.length, 'later upload', 'later uploads')} of the same bytes`;
  const kept = [
    ...(options.leaveApiFiles ? [`${counted(files.length, 'file', 'files')} at the API`] : []),
    ...(costRecord !== undefined && !options.costs
      ? ['what it cost, with its key and metadata (to delete it as well: --costs)']
      : []),
    'log lines with its id, until they expire',
    'backups of the ledger, for 35 days',
    ...(others.length === 0 ? [] : [`other jobs of the same bytes: ${others.join(', ')}`]),
  ];
  return [
    `Job ${job.jobId} of ${job.request.key}, ${job.status}. A purge deletes:`,
    `  request file   ${shown(requestFileVersions)} of s3://${requests.place.bucket}/${job.request.key}${again}`,
    `  results        ${shown(resultObjects)} in s3://${names.resultsBucket}`,
    ...(options.leaveApiFiles || files.length === 0
      ? []
      : [
          `  files          ${counted(files.length, 'file', 'files')} of ${counted(batchIds.length, 'batch', 'batches')}, if the API still has them`,
        ]),
    `  ledger         ${counted(ledgerItems, 'item', 'items')}, and the pointers to them`,
    `It keeps: ${kept.join('; ')}.`,
  ];
}
