import { Command } from 'commander';
import type { Job } from '../../../functions/shared/domain/job.ts';
import { confirmPlace, placeShown } from '../../connection/confirm-place.ts';
import { type ActionOptions, withActionOptions, withConnection } from '../../connection/connection.ts';
import { findJob } from '../../jobs/find-job.ts';
import { refuseUnapprovable, requestApproval } from '../../jobs/request-approval.ts';
import { counted } from '../../terminal/amounts.ts';
import { escapeControlCharacters } from '../../terminal/escape-control-characters.ts';
import { costText } from '../../terminal/estimate-text.ts';
import { withExamples } from '../../terminal/examples.ts';
import { type FormatOptions, printFacts } from '../../terminal/output-format.ts';
import { shortId } from '../../terminal/short-id.ts';

/** `batchdrop approve`: approves a job that is held. */
export function approveCommand(): Command {
  return withExamples(
    withActionOptions(
      new Command('approve')
        .summary('Approve a job that is held')
        .description(
          'Approve a job that is held, so that Batchdrop sends it. To see such jobs: batchdrop list --status unapproved. To refuse one: batchdrop cancel JOB',
        )
        .argument('<job>', 'a job id, or its first characters'),
    ),
    'batchdrop approve kntg2abc',
  ).action(approve);
}

async function approve(id: string, options: ActionOptions & FormatOptions): Promise<void> {
  await withConnection(options, async (connection) => {
    const job = await findJob(connection, id);
    refuseUnapprovable(job);
    await confirmPlace(connection, options, `Approve job ${job.jobId}`);
    const request = { jobId: job.jobId };
    const messageId = await requestApproval(connection, request);
    printFacts(options, { request, messageId, status: job.status }, () => [
      escapeControlCharacters(sentence(job, placeShown(connection))),
    ]);
  });
}

function sentence({ jobId, status, request, plan }: Job, where: string): string {
  const cost = plan?.estimate && costText(plan.estimate);
  const size = plan && [counted(plan.rows, 'row', 'rows'), ...(cost === undefined ? [] : [cost])].join(', ');
  const file = size === undefined ? request.key : `${request.key} (${size})`;
  switch (status) {
    case 'unapproved':
      return `Approval of ${file} requested${where}. Batchdrop sends it within a minute. To wait for it: batchdrop wait ${shortId(jobId)}`;
    case 'received':
      return `Approval of ${file} requested. Batchdrop still checks the file, and will not hold it.`;
    default:
      return `Approval of ${file} requested${where}. Job ${jobId} is not held; what of it waits for a budget or a price begins within a minute.`;
  }
}
