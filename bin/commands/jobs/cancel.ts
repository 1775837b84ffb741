import { Command } from 'commander';
import type { LastCancel } from '../../../functions/shared/domain/job.ts';
import { confirmPlace, placeShown } from '../../connection/confirm-place.ts';
import {
  type ActionOptions,
  type Connection,
  withActionOptions,
  withConnection,
} from '../../connection/connection.ts';
import { type CancelPlan, cancelOutcome, planCancel } from '../../jobs/cancel-outcome.ts';
import { requestCancel } from '../../jobs/request-cancel.ts';
import { escapeControlCharacters } from '../../terminal/escape-control-characters.ts';
import { withExamples } from '../../terminal/examples.ts';
import { type FormatOptions, printFacts } from '../../terminal/output-format.ts';
import { shortId } from '../../terminal/short-id.ts';

interface Options extends ActionOptions, FormatOptions {
  readonly key?: string;
}

/** `batchdrop cancel`: cancels a job or a batch. */
export function cancelCommand(): Command {
  return withExamples(
    withActionOptions(
      new Command('cancel')
        .summary('Cancel a job or a batch')
        .description(
          'Cancel a job or a batch, and report whether it was in time. You get the results of the rows that ran.',
        )
        .argument('[id]', 'a job id, its first characters, or a batch id (batch_…)')
        .option('--key <key>', 'instead of an id: the object key of a file; cancels its newest version'),
    ),
    'batchdrop cancel kntg2abc',
    'batchdrop cancel --key reviews/2026-11-29.jsonl',
  ).action(cancel);
}

async function cancel(id: string | undefined, options: Options): Promise<void> {
  await withConnection(options, async (connection) => {
    const plan = await planCancel(connection, { id, key: options.key });
    await confirmPlace(
      connection,
      options,
      `Cancel ${plan.job ? `job ${plan.job.jobId}` : (id ?? options.key)}`,
    );
    const messageId = await requestCancel(connection, plan.request);
    const outcome = plan.job && (await cancelOutcome(connection, plan.job));
    if (outcome?.outcome === 'too_late') process.exitCode = 1;
    const { message = null } = outcome ?? {};
    const facts = { request: plan.request, messageId, outcome: outcome?.outcome ?? null, message };
    printFacts(options, facts, () => sentences(connection, plan, outcome).map(escapeControlCharacters));
  });
}

function sentences(connection: Connection, plan: CancelPlan, outcome: LastCancel | undefined): string[] {
  const where = placeShown(connection);
  const sent = `Cancel requested${where}.`;
  const byEvent = 'An "OpenAI Batch Cancel Outcome" event reports the outcome.';
  if (plan.isBlind)
    return [
      `${sent} You have no right to read the ledger, so this command cannot see the outcome. ${byEvent}`,
    ];
  if (!plan.job)
    return [
      `${sent} There is no job of this key yet. If its file is already uploaded, it is cancelled when its event arrives.`,
    ];
  const id = shortId(plan.job.jobId);
  if (!outcome) return [`${sent} It is not recorded yet. ${byEvent} To see the status: batchdrop show ${id}`];
  if (outcome.outcome === 'too_late')
    return [`Too late${where}: ${outcome.message}. To see the job: batchdrop show ${id}`];
  return [
    `Cancelled${where}: ${plan.job.request.key}. The job ends when its batches have ended; rows that ran have results.`,
    `To wait for it: batchdrop wait ${id}`,
  ];
}
