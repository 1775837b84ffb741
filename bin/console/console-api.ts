/** Answers the requests of the console's page (console/api.ts). Who may ask was decided before (`request-guard.ts`). */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { JobAnswer, JobsAnswer, OverviewAnswer, Session, TicketAnswer } from '../../console/api.ts';
import type { Job } from '../../functions/shared/domain/job.ts';
import { isJobId } from '../../functions/shared/domain/job-id.ts';
import { summaryOf } from '../../functions/shared/domain/job-summary.ts';
import { isoTime } from '../../functions/shared/lifecycle/status-events.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { bucketsOf, type ReadBuckets } from '../connection/buckets.ts';
import type { Connection } from '../connection/connection.ts';
import { placeTime } from '../connection/server-time.ts';
import { accountIn } from '../connection/stack-names.ts';
import { jobDetails } from '../jobs/job-details.ts';
import { checksAnswer } from './checks.ts';
import type { ConsoleOptions } from './console-options.ts';
import { type Download, findDownload, sendDownload } from './files/downloads.ts';
import { Tickets } from './files/tickets.ts';
import { MAX_UPLOAD_BYTES, Uploads } from './files/uploads.ts';
import { BadRequest, sendJson } from './http/answers.ts';
import { EventStream } from './http/event-stream.ts';
import { readJson } from './http/request-body.ts';
import { approveJob, cancelJob, retryJob } from './jobs/job-actions.ts';
import { isResultFile, jobAnswer } from './jobs/job-answer.ts';
import { LedgerMeter } from './jobs/ledger-meter.ts';
import { LiveJobs } from './jobs/live-jobs.ts';
import { sampleRows } from './jobs/row-samples.ts';
import { Overview } from './overview.ts';

/** A request, and where its answer goes. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** What follows the fixed start of the path, decoded. */
  readonly rest: string;
  readonly query: URLSearchParams;
}

/** Returns the answer as JSON; undefined if it has sent one itself. */
type Handler = (exchange: Exchange) => Promise<object | undefined>;

const DEFAULT_LIMIT = 200;
const MAX_LIMIT = 1_000;

/** Connects to the Batchdrop. Errors: a Failure that says what to do. */
export async function openConsoleApi(options: ConsoleOptions): Promise<ConsoleApi> {
  const meter = new LedgerMeter(() => performance.now());
  const connection = await options.connect(() => meter.count());
  return new ConsoleApi(options, connection, meter);
}

export class ConsoleApi {
  readonly #connection: Connection;
  readonly #buckets: ReadBuckets;
  readonly #readOnly: boolean;
  readonly #live: LiveJobs;
  readonly #overview: Overview;
  readonly #uploads = new Uploads();
  readonly #tickets = new Tickets<Download>(() => performance.now());

  /** By method and the fixed start of the path. The longest fitting one answers. */
  readonly #handlers: ReadonlyMap<string, Handler> = new Map<string, Handler>([
    ['GET /api/session', () => this.#session()],
    ['GET /api/jobs', (exchange) => this.#jobs(exchange)],
    ['GET /api/jobs/', (exchange) => this.#job(exchange)],
    ['POST /api/jobs/', (exchange) => this.#act(exchange)],
    ['GET /api/stream', (exchange) => this.#stream(exchange)],
    ['GET /api/overview', () => this.#overviewAnswer()],
    ['GET /api/checks', () => checksAnswer(this.#connection)],
    [
      'POST /api/check',
      ({ request, query }) =>
        this.#uploads.check(request, this.#connection, query.get('key') ?? 'requests.jsonl'),
    ],
    ['PUT /api/files/', (exchange) => this.#upload(exchange)],
    ['POST /api/tickets', (exchange) => this.#ticket(exchange)],
    ['GET /download/', (exchange) => this.#download(exchange)],
  ]);

  constructor({ readOnly = false, refreshMs }: ConsoleOptions, connection: Connection, meter: LedgerMeter) {
    const { ledger, queries } = connection;
    this.#connection = connection;
    this.#buckets = bucketsOf(connection);
    this.#readOnly = readOnly;
    this.#overview = new Overview(connection);
    this.#live = new LiveJobs({ ledger, queries, meter, now: () => this.#now(), intervalMs: refreshMs });
  }

  /** Answers one request. Errors: BadRequest, and those of AWS. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = '', query = ''] = (request.url ?? '').split('?', 2);
    const [, start = '', rest = ''] = /^(\/api\/(?:jobs\/|files\/|\w+$)|\/download\/)(.*)$/.exec(path) ?? [];
    const handler = this.#handlers.get(`${request.method} ${start}`);
    if (handler === undefined) throw new BadRequest(404, 'not_found', 'There is no such request.');
    const exchange = { request, response, rest: decoded(rest), query: new URLSearchParams(query) };
    const answer = await handler(exchange);
    if (answer !== undefined) sendJson(response, answer);
  }

  async close(): Promise<void> {
    this.#live.close();
    this.#connection.close();
  }

  async #now(): Promise<number> {
    return (await placeTime(this.#connection)).now;
  }

  async #session(): Promise<Session> {
    const { target, names } = this.#connection;
    const isLocal = target.kind === 'local';
    const { now, isSimulated } = await placeTime(this.#connection);
    return {
      version: packageJson.version,
      place: target.kind,
      stack: isLocal ? 'local' : target.stack,
      ...(!isLocal && { account: accountIn(names) }),
      ...(!isLocal && target.region !== undefined && { region: target.region }),
      mayOperate: !this.#readOnly,
      now: isoTime(now),
      simulatedTime: isSimulated,
      requestBucket: names.requestBucket,
      maxUploadBytes: MAX_UPLOAD_BYTES,
    };
  }

  async #jobs({ query }: Exchange): Promise<JobsAnswer> {
    const limit = Number(query.get('limit') ?? DEFAULT_LIMIT);
    if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT)
      throw new BadRequest(400, 'bad_limit', `The limit is a whole number from 1 to ${MAX_LIMIT}.`);
    const cursor = query.get('cursor');
    const [now, page] = await Promise.all([
      this.#now(),
      this.#connection.queries.listJobs({ limit, ...(cursor !== null && { cursor }) }),
    ]);
    return {
      jobs: this.#live.rowsOf(page.jobs, now),
      ...(page.cursor !== undefined && { cursor: page.cursor }),
    };
  }

  async #job({ rest, query }: Exchange): Promise<JobAnswer | { rows: object[] }> {
    const [jobId = '', what] = rest.split('/', 2);
    const job = await this.#readJob(jobId);
    if (what === undefined) {
      const [now, details] = await Promise.all([
        this.#now(),
        jobDetails({ ledger: this.#connection.ledger, results: this.#buckets.results }, job),
      ]);
      const [row] = this.#live.rowsOf([summaryOf(job)], now);
      if (row) return jobAnswer(row, details);
    }
    const outcome = query.get('of');
    if (what !== 'samples' || (outcome !== 'succeeded' && outcome !== 'failed'))
      throw new BadRequest(404, 'not_found', 'There is no such request.');
    return { rows: await sampleRows(this.#buckets, job, outcome) };
  }

  async #act({ rest, request }: Exchange): Promise<object> {
    this.#refuseReader();
    const body = await readJson(request);
    const [jobId = '', action] = rest.split('/', 2);
    const job = await this.#readJob(jobId);
    switch (action) {
      case 'cancel':
        return cancelJob(this.#connection, job);
      case 'approve':
        return approveJob(this.#connection, job);
      case 'retry':
        return retryJob(this.#connection, job, body);
      default:
        throw new BadRequest(404, 'not_found', 'There is no such action.');
    }
  }

  async #stream({ response }: Exchange): Promise<undefined> {
    const leave = this.#live.follow(new EventStream(response));
    response.once('close', leave);
  }

  async #overviewAnswer(): Promise<OverviewAnswer> {
    return this.#overview.answer(await this.#now());
  }

  #upload({ request, rest }: Exchange): Promise<object> {
    this.#refuseReader();
    return this.#uploads.upload(request, this.#connection, rest);
  }

  async #ticket({ request }: Exchange): Promise<TicketAnswer> {
    const { jobId, file } = await readJson(request);
    if (typeof jobId !== 'string' || !isResultFile(file))
      throw new BadRequest(400, 'bad_ticket', 'Name a job and one of its files.');
    const download = await findDownload(this.#buckets, await this.#readJob(jobId), file);
    return { path: `/download/${this.#tickets.issue(download)}` };
  }

  async #download({ rest, response }: Exchange): Promise<undefined> {
    const download = this.#tickets.redeem(rest);
    if (download === undefined)
      throw new BadRequest(404, 'no_ticket', 'This download is over. Start it again on the page.');
    await sendDownload(response, download);
  }

  async #readJob(jobId: string): Promise<Job> {
    const job = isJobId(jobId) ? await this.#connection.ledger.readJob(jobId) : undefined;
    if (job === undefined) throw new BadRequest(404, 'no_such_job', 'There is no such job.');
    return job;
  }

  #refuseReader(): void {
    if (this.#readOnly)
      throw new BadRequest(403, 'read_only', 'This console only shows. Start it without --read-only to act.');
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new BadRequest(400, 'bad_path', 'The path is not well encoded.');
  }
}
