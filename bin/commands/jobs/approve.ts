import { Command } from 'commander';
import type { Job } from '../../../functions/shared/domain/job.ts';
import {
  type ConnectionOptions,
  withConnection,
  withConnectionOptions,
} from '../../connection/connection.ts';
import { findJob } from '../../jobs/find-job.ts';
import { refuseUnapprovable, requestApproval } from '../../jobs/request-approval.ts';
import { counted } from '../../terminal/amounts.ts';
import { escapeControlCharacters, printableJson } from '../../terminal/escape-control-characters.ts';
import { costText } from '../../terminal/estimate-text.ts';

/** `batchdrop approve`: approves a job that is held. */
export function approveCommand(): Command {
  return withConnectionOptions(
    new Command('approve')
      .summary('Approve a job that is held')
      .description(
        'Approve a job that is held, so that Batchdrop sends it. To see such jobs: batchdrop list --status unapproved. To refuse one: batchdrop cancel JOB',
      )
      .argument('<job>', 'a job id, or its first characters'),
  ).action(approve);
}

async function approve(id: string, options: ConnectionOptions): Promise<void> {
  await withConnection(options, async (connection) => {
    const job = await findJob(connection, id);
    refuseUnapprovable(job);
    const request = { jobId: job.jobId };
    const messageId = await requestApproval(connection, request);
    if (options.json) console.log(printableJson({ request, messageId, status: job.status }));
    else console.log(escapeControlCharacters(sentence(job)));
  });
}

function sentence({ jobId, status, request, plan }: Job): string {
  const cost = plan?.estimate && costText(plan.estimate);
  const size = plan && [counted(plan.rows, 'row', 'rows'), ...(cost === undefined ? [] : [cost])].join(', ');
  const file = size === undefined ? request.key : `${request.key} (${size})`;
  switch (status) {
    case 'unapproved':
      return `Approval of ${file} requested. Batchdrop sends it within a minute. To see the status: batchdrop list`;
    case 'received':
      return `Approval of ${file} requested. Batchdrop still checks the file, and will not hold it.`;
    default:
      return `Approval of ${file} requested, but job ${jobId} is not held: its status is ${status}.`;
  }
}
