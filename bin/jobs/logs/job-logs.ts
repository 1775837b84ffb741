/** What the functions logged about a job: from CloudWatch Logs, or on one machine from the files of the runtime. */
import { createReadStream, existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { CloudWatchLogsClient, paginateFilterLogEvents } from '@aws-sdk/client-cloudwatch-logs';
import type { Job } from '../../../functions/shared/domain/job.ts';
import type { Connection } from '../../connection/connection.ts';
import { resourcesOf } from '../../connection/stack-resources.ts';
import { clientConfigAt } from '../../connection/target.ts';
import { Failure } from '../../terminal/failure.ts';

/** A line of a function's log. */
export interface LogLine {
  /** ISO 8601. */
  readonly timestamp: string;
  readonly level: string;
  readonly service: string;
  /** What happened: a stable code. */
  readonly code: string;
  /** Ids, and numbers with units. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** The lines, oldest first. */
export interface JobLogs {
  readonly lines: readonly LogLine[];
  /** There are more lines, which were not read. */
  readonly isCut: boolean;
}

const MAX_LINES = 10_000;
const BEFORE_MS = 60_000; // the clocks of S3 and the functions may differ

/** Returns the lines that name the job. Throws a Failure if the logs are elsewhere. */
export async function jobLogs(connection: Connection, job: Job): Promise<JobLogs> {
  const { target } = connection;
  const found = target.kind === 'local' ? localLines(target.data, job.jobId) : accountLines(connection, job);
  const lines: LogLine[] = [];
  let isCut = false;
  for await (const text of found) {
    isCut = lines.length >= MAX_LINES;
    if (isCut) break;
    const line = parsedLine(text);
    if (line) lines.push(line);
  }
  lines.sort((a, b) => (a.timestamp < b.timestamp ? -1 : Number(a.timestamp > b.timestamp)));
  return { lines, isCut };
}

async function* localLines(data: string | undefined, jobId: string): AsyncGenerator<string> {
  const folder = data === undefined ? undefined : join(data, 'logs');
  if (folder === undefined || !existsSync(folder))
    throw new Failure('The logs are in the data directory of the runtime. Select it with --data DIRECTORY.');
  for (const name of (await readdir(folder)).toSorted()) {
    const lines = createInterface({
      input: createReadStream(join(folder, name)),
      crlfDelay: Number.POSITIVE_INFINITY,
    });
    for await (const line of lines) if (line.includes(jobId)) yield line;
  }
}

async function* accountLines({ target }: Connection, job: Job): AsyncGenerator<string> {
  const resources = await resourcesOf(target);
  const groups = [...resources].filter(([path]) => path.endsWith('WorkerLogs')).map(([, name]) => name);
  if (groups.length === 0)
    throw new Failure(
      `This Batchdrop logs to a log group of your own (prop logGroup). Search it for the job: aws logs filter-log-events --log-group-name GROUP --filter-pattern '"${job.jobId}"'`,
    );
  const client = new CloudWatchLogsClient(clientConfigAt(target));
  try {
    for (const logGroupName of groups) {
      const query = { logGroupName, filterPattern: `"${job.jobId}"`, startTime: job.createdAt - BEFORE_MS };
      for await (const { events = [] } of paginateFilterLogEvents({ client }, query))
        for (const { message = '' } of events) yield message;
    }
  } finally {
    client.destroy();
  }
}

/** Lambda itself logs lines of another form; they name no job. */
function parsedLine(text: string): LogLine | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    const { timestamp, level, service, code, message, ...facts } = Object(parsed);
    if (typeof timestamp !== 'string') return undefined;
    return {
      timestamp,
      level: String(level),
      service: String(service),
      code: String(code ?? message),
      facts,
    };
  } catch {
    return undefined;
  }
}
