import { Command } from 'commander';
import {
  type ConnectionOptions,
  withConnection,
  withConnectionOptions,
} from '../../connection/connection.ts';
import { findJob } from '../../jobs/find-job.ts';
import {
  awaitJobs,
  WAIT_EXIT_CODES,
  type WaitOptions,
  withWaitOptions,
} from '../../jobs/waiting/await-jobs.ts';
import { withExamples } from '../../terminal/examples.ts';
import { type FormatOptions, isForPeople } from '../../terminal/output-format.ts';
import { StatusLine } from '../../terminal/status-line.ts';

/** `batchdrop wait`: waits until jobs have ended. */
export function waitCommand(): Command {
  const command = withWaitOptions(
    new Command('wait')
      .summary('Wait until jobs have ended')
      .description('Wait until every job has ended, and print what failed.')
      .argument('<job...>', 'job ids, or their first characters'),
  );
  return withExamples(
    withConnectionOptions(command).addHelpText('after', WAIT_EXIT_CODES),
    'batchdrop wait kntg2abc',
    'batchdrop wait kntg2abc w5mhx3q2 --timeout 2h --max-failed 5',
  ).action(wait);
}

async function wait(ids: string[], options: ConnectionOptions & FormatOptions & WaitOptions): Promise<void> {
  const line = new StatusLine(isForPeople(options) ? process.stdout : { write: () => {} });
  await withConnection(options, async (connection) => {
    const jobs = await Promise.all(ids.map((id) => findJob(connection, id)));
    const awaited = jobs.map(({ jobId, request }) => ({ jobId, file: request.key }));
    await awaitJobs(connection, awaited, options, line);
  }).finally(() => line.end());
}
