import { Command } from 'commander';
import { bucketsOf } from '../../connection/buckets.ts';
import {
  type ConnectionOptions,
  withConnection,
  withConnectionOptions,
} from '../../connection/connection.ts';
import { placeTime } from '../../connection/server-time.ts';
import { showLines } from '../../jobs/details/show-lines.ts';
import { findJob } from '../../jobs/find-job.ts';
import { type JobDetails, jobDetails } from '../../jobs/job-details.ts';
import { jobFacts } from '../../jobs/job-facts.ts';
import { withExamples } from '../../terminal/examples.ts';
import { type FormatOptions, printFacts } from '../../terminal/output-format.ts';

/** `batchdrop show`: all that is known of a job. */
export function showCommand(): Command {
  return withExamples(
    withConnectionOptions(
      new Command('show')
        .summary('Show all about a job')
        .description(
          'Show all about a job: its timeline, its batches, its rows, the first errors by kind, its files, and what to do next.',
        )
        .argument('<job>', 'a job id, its first characters, or the id of one of its batches'),
    ),
    'batchdrop show kntg2abc',
    'batchdrop show batch_6d2f --json',
  ).action(show);
}

async function show(id: string, options: ConnectionOptions & FormatOptions): Promise<void> {
  await withConnection(options, async (connection) => {
    const job = await findJob(connection, id);
    const { results } = bucketsOf(connection);
    const [details, time] = await Promise.all([
      jobDetails({ ledger: connection.ledger, results }, job),
      placeTime(connection),
    ]);
    printFacts(options, factsOf(details, time.isSimulated), () => showLines(details, time, connection.names));
  });
}

/** The fields of a job in a list, and what only its details have. */
function factsOf({ job, ...details }: JobDetails, simulatedTime: boolean): object {
  const { metadata, instructions } = job.request;
  return { ...jobFacts(job), metadata, instructions, simulatedTime, ...details };
}
