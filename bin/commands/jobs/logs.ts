import { styleText } from 'node:util';
import { Command } from 'commander';
import {
  type ConnectionOptions,
  withConnection,
  withConnectionOptions,
} from '../../connection/connection.ts';
import { placeTime } from '../../connection/server-time.ts';
import { findJob } from '../../jobs/find-job.ts';
import { jobLogs, type LogLine } from '../../jobs/logs/job-logs.ts';
import { grouped } from '../../terminal/amounts.ts';
import { escapeControlCharacters } from '../../terminal/escape-control-characters.ts';
import { withExamples } from '../../terminal/examples.ts';
import { fitted } from '../../terminal/fit-line.ts';
import { type FormatOptions, printFacts } from '../../terminal/output-format.ts';

const COLORS: Readonly<Record<string, 'red' | 'yellow' | 'dim'>> = { ERROR: 'red', WARN: 'yellow' };
const LEVEL_WIDTH = 5;
const SERVICE_WIDTH = 8;

/** `batchdrop logs`: what the functions logged about a job. */
export function logsCommand(): Command {
  return withExamples(
    withConnectionOptions(
      new Command('logs')
        .summary('Print what the functions logged about a job')
        .description(
          'Print what the functions logged about a job, oldest first. Logs contain ids and numbers, never rows or results.',
        )
        .argument('<job>', 'a job id, its first characters, or the id of one of its batches'),
    ),
    'batchdrop logs kntg2abc',
    'batchdrop logs kntg2abc --format jsonl | jq .code',
  ).action(logs);
}

async function logs(id: string, options: ConnectionOptions & FormatOptions): Promise<void> {
  await withConnection(options, async (connection) => {
    const job = await findJob(connection, id);
    const { lines, isCut } = await jobLogs(connection, job);
    const { isSimulated } = await placeTime(connection);
    printFacts(options, lines, () =>
      lines.length === 0
        ? ['The functions logged nothing about this job.']
        : lines.map((line) => fitted(lineOf(line, job.jobId))),
    );
    if (isSimulated && lines.length > 0) console.error('The times are simulated.');
    if (isCut) console.error(`There are more than ${grouped(lines.length)} lines. The others were not read.`);
  });
}

/** The id of the job itself is in every line. */
function lineOf({ timestamp, level, service, code, facts }: LogLine, jobId: string): string {
  const shown = Object.entries(facts)
    .filter(([, value]) => value !== jobId)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const time = timestamp.slice(0, 19).replace('T', ' ');
  const rest = `${service.padEnd(SERVICE_WIDTH)}  ${[code, ...shown].join('  ')}`;
  const color = COLORS[level] ?? 'dim';
  return `${styleText('dim', escapeControlCharacters(time))}  ${styleText(color, escapeControlCharacters(level.padEnd(LEVEL_WIDTH)))}  ${escapeControlCharacters(rest)}`;
}
