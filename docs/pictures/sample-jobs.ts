import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Connection, connectionTo } from '../../bin/connection/connection.ts';
import { requestCancel } from '../../bin/jobs/request-cancel.ts';
import { synthesizedStack } from '../../bin/up/synthesis.ts';
import { jobIdOf } from '../../functions/shared/domain/job-id.ts';
import { DataDirectory } from '../../local/runtime/data-directory.ts';
import { type Runtime, startRuntime } from '../../local/runtime/runtime.ts';
import { UserProgram } from '../../test/local/endpoint/user-program.ts';
import { reviewsToClassify } from './request-files.ts';

const HOUR_MS = 3_600_000;
const HISTORY_SPEED = 600;
const OPEN_SPEED = 8; // slow enough for pictures of jobs that run

/** The runtime with the jobs of the pictures: a week of them, and some that are open. */
export interface SampleJobs {
  readonly endpoints: Runtime['endpoints'];
  /** Of each kind, by its job id. */
  readonly open: string;
  readonly withFailures: string;
  close(): Promise<void>;
}

/** Makes a week of jobs, and then begins those that are open in the pictures. */
export async function makeSampleJobs(): Promise<SampleJobs> {
  const data = new DataDirectory(mkdtempSync(join(tmpdir(), 'batchdrop-pictures-')), 'local');
  const assembly = await synthesizedStack();
  const open = (speed: number) =>
    startRuntime({
      ...{ data, speed, assemblyDirectory: assembly, port: 0, api: { kind: 'local' } },
      ...{ onEvent: () => {}, onProblem: (problem) => console.error(problem) },
    });
  for (const [session, pause] of PAUSES_HOURS.entries()) {
    const past = await open(HISTORY_SPEED);
    await makeHistory(past, session);
    await past.close();
    data.saveTime(data.time + pause * HOUR_MS); // nothing runs meanwhile: time need not pass
  }
  const runtime = await open(OPEN_SPEED);
  const connection = connectionTo(runtime.endpoints);
  const { withFailures, open: running } = await beginJobs(runtime, connection);
  return {
    endpoints: runtime.endpoints,
    withFailures,
    open: running,
    async close() {
      connection.close();
      await runtime.close();
      data.release();
      rmSync(data.path, { recursive: true, force: true });
    },
  };
}

const FILES = [
  { name: 'reviews/shop-eu', model: 'gpt-5-mini', failing: 0 },
  { name: 'reviews/shop-us', model: 'gpt-5-mini', failing: 2 },
  { name: 'support/tickets', model: 'gpt-4.1-mini', failing: 0 },
  { name: 'catalogue/titles', model: 'gpt-4.1', failing: 1 },
] as const;

/** Between sessions of work. */
const PAUSES_HOURS = [45, 26, 42, 14, 8, 5, 2, 6, 1];

/** Some jobs at once. */
async function makeHistory(runtime: Runtime, session: number): Promise<void> {
  const dropper = new Dropper(runtime);
  const files = FILES.slice(session % 2, 2 + (session % 3));
  const jobs = files.map(async (file, at) => {
    const rows = 200 + ((session * 547 + at * 311) % 1_900);
    const content = reviewsToClassify({ ...file, rows, salt: `${session}-${at}` });
    await dropper.untilEnded(await dropper.drop(`${file.name}-${session + 1}.jsonl`, content));
  });
  await Promise.all(jobs);
  dropper.close();
}

async function beginJobs(
  runtime: Runtime,
  connection: Connection,
): Promise<{ withFailures: string; open: string }> {
  const dropper = new Dropper(runtime);
  const wrong = reviewsToClassify({ rows: 400, model: 'gpt-5-mini', salt: 'w' }).replace(
    '"review-w-12"',
    '"review-w-11"',
  );
  await dropper.untilEnded(await dropper.drop('reviews/exported-twice.jsonl', `${wrong}not JSON\n`));
  const failing = reviewsToClassify({ rows: 2_000, model: 'gpt-4.1-mini', salt: 'f', failing: 4 });
  const withFailures = await dropper.drop('support/tickets-november.jsonl', failing);
  const cancelled = await dropper.drop(
    'catalogue/draft.jsonl',
    reviewsToClassify({ rows: 900, model: 'gpt-4.1', salt: 'c' }),
  );
  const held = reviewsToClassify({ rows: 12_000, model: 'gpt-4.1', salt: 'h' });
  await until(async () => (await connection.ledger.readJob(cancelled))?.status === 'submitted');
  await requestCancel(connection, { jobId: cancelled });
  await dropper.drop('contracts/all-clauses.jsonl', held, { 'batchdrop-hold': 'yes' });
  const open = await dropper.drop(
    'reviews/shop-eu-november.jsonl',
    reviewsToClassify({ rows: 60_000, model: 'gpt-5-mini', salt: 'o' }),
    { 'batch-team': 'search' },
  );
  await dropper.drop(
    'support/tickets-today.jsonl',
    reviewsToClassify({ rows: 9_000, model: 'gpt-4.1-mini', salt: 't' }),
  );
  await dropper.untilEnded(withFailures);
  dropper.close();
  return { withFailures, open };
}

/** Uploads files, and waits for their jobs. */
class Dropper {
  readonly #user: UserProgram;
  readonly #connection: Connection;
  readonly #bucket: string;

  constructor({ endpoints }: Runtime) {
    this.#user = new UserProgram(endpoints);
    this.#connection = connectionTo(endpoints);
    this.#bucket = endpoints.requestBucket;
  }

  async drop(key: string, body: string, metadata: Record<string, string> = {}): Promise<string> {
    const versionId = await this.#user.put(key, body, metadata);
    return jobIdOf({ bucket: this.#bucket, key, versionId });
  }

  async untilEnded(jobId: string): Promise<void> {
    const ended = new Set(['completed', 'failed', 'expired', 'cancelled', 'rejected']);
    await until(async () => ended.has((await this.#connection.ledger.readJob(jobId))?.status ?? ''));
  }

  close(): void {
    this.#user.close();
    this.#connection.close();
  }
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 50));
}
