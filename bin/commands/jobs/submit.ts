import { Command, InvalidArgumentError } from 'commander';
import {
  type Connection,
  type ConnectionOptions,
  connect,
  withConnectionOptions,
} from '../../connection/connection.ts';
import { forecast, forecastLines } from '../../jobs/dry-run.ts';
import { jobFacts } from '../../jobs/job-facts.ts';
import { putFile, type Submission } from '../../jobs/put-file.ts';
import { openSources, type RequestSource } from '../../jobs/request-source.ts';
import { waitForJobs } from '../../jobs/wait-for-jobs.ts';
import { bytesShown } from '../../terminal/amounts.ts';
import { escapeControlCharacters } from '../../terminal/escape-control-characters.ts';
import { StatusLine } from '../../terminal/status-line.ts';

interface Options extends ConnectionOptions {
  readonly name?: string;
  readonly meta?: Record<string, string>;
  readonly rerun?: boolean;
  readonly wait?: boolean;
  readonly dryRun?: boolean;
}

/** `batchdrop submit`: puts request files into the request bucket. */
export function submitCommand(): Command {
  return withConnectionOptions(
    new Command('submit')
      .description('Puts request files (.jsonl) into the request bucket and tells their job ids.')
      .argument('<file...>', 'request files, - for stdin; each becomes an object of the same name')
      .option('--name <key>', 'the name in the bucket, of one file')
      .option('--wait', 'wait until every job ended; the exit code is 0 only if all are completed')
      .option('--dry-run', 'check and plan only: nothing leaves this machine')
      .option(
        '--meta <name=value>',
        'a tag for the batches and events of the files; may be repeated',
        addPair,
      )
      .option('--rerun', 'run the files even if the same bytes ran before'),
  ).action(submit);
}

async function submit(files: string[], options: Options): Promise<void> {
  const { sources, discard } = await openSources(files, options.name);
  try {
    if (options.dryRun) await tellForecasts(sources, options);
    else await submitAll(sources, options);
  } finally {
    discard();
  }
}

async function tellForecasts(sources: readonly RequestSource[], options: Options): Promise<void> {
  const forecasts = [];
  for (const source of sources) {
    const known = await forecast(source, options.meta ?? {});
    forecasts.push(known);
    if (known.verdict === 'bad') process.exitCode = 1;
    if (!options.json) console.log(forecastLines(known).join('\n'));
  }
  if (options.json) console.log(JSON.stringify(forecasts, null, 2));
}

async function submitAll(sources: readonly RequestSource[], options: Options): Promise<void> {
  const connection = await connect(options);
  // In JSON only the answer is printed; what happens meanwhile is for people.
  const line = new StatusLine(options.json ? { write: () => {} } : process.stdout);
  try {
    const submissions = await putAll(connection, sources, options, line);
    if (!options.wait) return;
    const jobs = await waitForJobs(connection, submissions, line);
    if (options.json)
      console.log(
        JSON.stringify(
          jobs.map((job) => job && jobFacts(job)),
          null,
          2,
        ),
      );
    if (!jobs.every((job) => job?.status === 'completed')) process.exitCode = 1;
  } finally {
    line.end();
    connection.close();
  }
}

async function putAll(
  connection: Connection,
  sources: readonly RequestSource[],
  options: Options,
  line: StatusLine,
): Promise<Submission[]> {
  const submissions: Submission[] = [];
  try {
    for (const source of sources) {
      const of = `${escapeControlCharacters(source.file)}  `;
      const total = bytesShown(source.bytes);
      const submission = await putFile(connection, source, {
        ...(options.meta !== undefined && { tags: options.meta }),
        ...(options.rerun !== undefined && { rerun: options.rerun }),
        onBytes: (bytes) => line.show(`${of}${bytesShown(bytes)} of ${total}`),
      });
      submissions.push(submission);
      line.end();
      line.print(`${of}job ${submission.jobId}`);
    }
    return submissions;
  } finally {
    // Also when a later file failed: these are in the bucket.
    if (options.json && !options.wait) console.log(JSON.stringify(submissions));
  }
}

function addPair(pair: string, pairs: Record<string, string> = {}): Record<string, string> {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(pair) ?? [];
  if (name === undefined || value === undefined)
    throw new InvalidArgumentError('It has the form name=value.');
  return { ...pairs, [name]: value };
}
