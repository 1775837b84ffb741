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
const OPEN_SPEED = 4; // slow enough for pictures of jobs that run

/** The runtime with the jobs of the pictures: a week of them, and some that are open. */
export interface SampleJobs {
  readonly endpoints: Runtime['endpoints'];
  /** The job of which some rows failed. */
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
  const today = await open(HISTORY_SPEED);
  const withFailures = await endJobs(today);
  await today.close();
  const runtime = await open(OPEN_SPEED);
  await beginJobs(runtime);
  return {
    endpoints: runtime.endpoints,
    withFailures,
    async close() {
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
const PAUSES_HOURS = [45, 26, 30, 9, 3, 2, 4, 1, 1, 5, 1, 2, 1];

/** Some jobs at once. */
async function makeHistory(runtime: Runtime, session: number): Promise<void> {
  const dropper = new Dropper(runtime);
  const files = FILES.slice(session % 2, 2 + (session % 3));
  const jobs = files.map(async (file, at) => {
    const rows = 200 + ((session * 547 + at * 311) % 1_900);
    const content = reviewsToClassify({ ...file, rows, salt: `${session}-${at}` });
    await dropper.until(await dropper.drop(`${file.name}-${session + 1}.jsonl`, content), 'completed');
  });
  await Promise.all(jobs);
  dropper.close();
}

/** A job that is rejected, one that is cancelled, and one of which some rows fail: the last one is returned. */
async function endJobs(runtime: Runtime): Promise<string> {
  const dropper = new Dropper(runtime);
  const twice = reviewsToClassify({ rows: 400, model: 'gpt-5-mini', salt: 'w' });
  const wrong = `${twice.replace('"review-w-12"', '"review-w-11"')}not JSON\n`;
  await dropper.until(await dropper.drop('reviews/exported-twice.jsonl', wrong), 'rejected');
  const draft = reviewsToClassify({ rows: 900, model: 'gpt-4.1', salt: 'c' });
  const cancelled = await dropper.drop('catalogue/draft.jsonl', draft);
  await dropper.until(cancelled, 'submitted');
  await dropper.cancel(cancelled);
  const failing = reviewsToClassify({ rows: 2_000, model: 'gpt-4.1-mini', salt: 'f', failing: 4 });
  const withFailures = await dropper.drop('support/tickets-november.jsonl', failing);
  await dropper.until(cancelled, 'cancelled');
  await dropper.until(withFailures, 'completed');
  dropper.close();
  return withFailures;
}

/** One job that is held, and two that run. */
async function beginJobs(runtime: Runtime): Promise<void> {
  const dropper = new Dropper(runtime);
  const hold = { 'batchdrop-hold': 'yes' };
  const clauses = reviewsToClassify({ rows: 12_000, model: 'gpt-4.1', salt: 'h' });
  await dropper.drop('contracts/all-clauses.jsonl', clauses, hold);
  const reviews = reviewsToClassify({ rows: 60_000, model: 'gpt-5-mini', salt: 'o' });
  const open = await dropper.drop('reviews/shop-eu-november.jsonl', reviews, { 'batch-team': 'search' });
  const tickets = reviewsToClassify({ rows: 9_000, model: 'gpt-4.1-mini', salt: 't' });
  await dropper.drop('support/tickets-today.jsonl', tickets);
  await dropper.until(open, 'submitted');
  dropper.close();
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

  async until(jobId: string, status: string): Promise<void> {
    while ((await this.#connection.ledger.readJob(jobId))?.status !== status)
      await new Promise((resolve) => setTimeout(resolve, 50));
  }

  async cancel(jobId: string): Promise<void> {
    await requestCancel(this.#connection, { jobId });
  }

  close(): void {
    this.#user.close();
    this.#connection.close();
  }
}
