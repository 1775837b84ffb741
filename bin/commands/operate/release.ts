import { Command } from 'commander';
import { confirmPlace, placeShown } from '../../connection/confirm-place.ts';
import { type ActionOptions, withActionOptions, withConnection } from '../../connection/connection.ts';
import { placeTime } from '../../connection/server-time.ts';
import { findJob } from '../../jobs/find-job.ts';
import { adoptBatch, releaseJob } from '../../operations/release-job.ts';
import { counted } from '../../terminal/amounts.ts';
import { escapeControlCharacters } from '../../terminal/escape-control-characters.ts';
import { withExamples } from '../../terminal/examples.ts';
import { Failure } from '../../terminal/failure.ts';
import { type FormatOptions, printFacts } from '../../terminal/output-format.ts';
import { wholeNumber } from '../../terminal/whole-number.ts';

interface Options extends ActionOptions, FormatOptions {
  readonly adopt?: string;
  readonly part?: number;
}

const MAX_PARTS = 1_000_000;

/** `batchdrop release JOB`: releases the parts of a job that wait for a person. */
export function releaseCommand(): Command {
  return withExamples(
    withActionOptions(
      new Command('release')
        .summary('Release a job that waits for you')
        .description(
          'Release a job that waits for you. Batchdrop sends a stalled part once more: first search for its batch at the API, because you may pay twice. If results do not agree with what was sent, Batchdrop accepts them at its next check. See docs/operations.md.',
        )
        .argument('<job>', 'a job id, or its first characters')
        .option(
          '--adopt <batch>',
          'adopt this batch, which you found, instead of sending a stalled part again',
        )
        .option(
          '--part <number>',
          'with --adopt: which part, if several are stalled',
          wholeNumber('--part', 1, MAX_PARTS),
        ),
    ),
    'batchdrop release kntg2abc',
    'batchdrop release kntg2abc --adopt batch_6d2f',
  ).action(release);
}

async function release(id: string, options: Options): Promise<void> {
  await withConnection(options, async (connection) => {
    const { jobId } = await findJob(connection, id);
    const { adopt, part } = options;
    if (adopt === undefined && part !== undefined) throw new Failure('Give --part only with --adopt BATCH.');
    await confirmPlace(connection, options, `Release job ${jobId}`);
    const { now } = await placeTime(connection);
    const ledgers = { ...connection, now };
    const facts =
      adopt === undefined
        ? { jobId, released: await releaseJob(ledgers, jobId) }
        : { jobId, batchId: adopt, ...(await adoptBatch(ledgers, jobId, { batchId: adopt, number: part })) };
    printFacts(options, facts, () => [escapeControlCharacters(sentence(facts, placeShown(connection)))]);
  });
}

type Facts =
  | { jobId: string; released: number[] }
  | { jobId: string; batchId: string; part: number; outcome: 'adopted' | 'pending' };

function sentence(facts: Facts, where: string): string {
  if ('released' in facts)
    return `Released ${counted(facts.released.length, 'part', 'parts')} of job ${facts.jobId}${where}. Batchdrop continues within a minute.`;
  const { jobId, batchId, part, outcome } = facts;
  return outcome === 'adopted'
    ? `Part ${part} of job ${jobId} has adopted ${batchId}.`
    : `Batchdrop has not yet checked whether part ${part} of job ${jobId} can adopt ${batchId}. To see the result: batchdrop list`;
}
