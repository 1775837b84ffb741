import { chatRows } from '../../local/endpoint/chat-rows.ts';
import { CallCounter, type TakenCounts } from './call-counter.ts';
import {
  type CountedCalls,
  type Counts,
  type CountsByFunction,
  ofAll,
  plusByFunction,
} from './call-counts.ts';
import { indexesOf } from './ledger-units.ts';
import { deployStepped } from './stepped-deployment.ts';
import { SteppedStack } from './stepped-stack.ts';

/** A job to count. */
interface JobScript {
  readonly body: string;
  /** The statuses that POLL observes. The batch passes through the others between two ticks. */
  readonly observes: readonly string[];
  /** Extra milliseconds that the batch is in progress; one more tick runs at their end. */
  readonly longerMs?: number;
}

const MINUTE_MS = 60_000;
const STATUS_MS = 2 * MINUTE_MS; // short, because POLL also checks each job after 15 minutes
const MAX_TICKS = 60; // one hour for the work after the batch has ended
const JOB_EVENTS = 3; // accepted, submitted, completed; the batch has `validating` and each observed status
const NOT_OF_EACH_TICK = /^Secrets Manager |^Batch API | units of /;

/** Runs the jobs one after the other on one stack, and counts the calls of each. */
export async function countCalls(directory: string): Promise<CountedCalls> {
  const deployment = await deployStepped(directory, (by, to, exchange) => counter.call(by, to, exchange));
  const counter = new CallCounter(deployment.plan.tables.flatMap(indexesOf));
  try {
    const jobs = new CountedJobs(new SteppedStack(deployment, counter), counter);
    const tick = await jobs.firstTick();
    const idleTick = await jobs.tickWithoutJobs();
    const observes = ['in_progress', 'completed'];
    const smallJob = await jobs.count({ body: chatRows(3, 'small'), observes });
    const more = async (script: JobScript) => plusByFunction(await jobs.count(script), smallJob, -1);
    return {
      smallJob,
      furtherStatus: await more({
        body: chatRows(3, 'again'),
        observes: ['in_progress', 'finalizing', 'completed'],
      }),
      tickWithoutNews: await more({ body: chatRows(3, 'a tick'), observes, longerMs: MINUTE_MS }),
      quarterOfAnHour: await more({ body: chatRows(3, 'longer'), observes, longerMs: 15 * MINUTE_MS }),
      largeJob: await jobs.count({ body: largeFile(), observes: ['in_progress', 'finalizing', 'completed'] }),
      tick,
      idleTick,
    };
  } finally {
    await deployment.close();
  }
}

class CountedJobs {
  readonly #stack: SteppedStack;
  readonly #counter: CallCounter;
  #eachTick: Counts = {};
  #jobs = 0;

  constructor(stack: SteppedStack, counter: CallCounter) {
    this.#stack = stack;
    this.#counter = counter;
  }

  /** Counts the calls that each tick makes. Must be called before all else. */
  async firstTick(): Promise<Counts> {
    this.#eachTick = await this.tickWithoutJobs();
    return this.#eachTick;
  }

  /** Counts the calls of a tick without jobs. Must be called before the first job. */
  async tickWithoutJobs(): Promise<Counts> {
    await this.#stack.tick();
    const { job, tick } = this.#counter.take();
    if (Object.keys(job).length > 0)
      throw new Error(`a tick without jobs made calls for a job: ${JSON.stringify(job)}`);
    return tick;
  }

  /** Runs a job until nothing is left to do for it, and returns its calls. */
  async count({ body, observes, longerMs = 0 }: JobScript): Promise<CountsByFunction> {
    this.#jobs += 1;
    const stack = this.#stack;
    const jobId = await stack.upload(`job-${this.#jobs}.jsonl`, body, STATUS_MS);
    await stack.settle();
    let counts = this.#counter.take().job;
    const tick = async () => {
      counts = plusByFunction(counts, await this.#tick(), 1);
    };
    for (const status of ['in_progress', 'finalizing', 'completed']) {
      const longer = status === 'in_progress' ? longerMs : 0;
      await stack.reach(status, STATUS_MS + longer);
      if (observes.includes(status)) await tick();
      stack.advance(longer);
      if (longer > 0) await tick();
    }
    for (let ticks = 0; ticks < MAX_TICKS && (await stack.due()) > 0; ticks += 1) {
      stack.advance(MINUTE_MS);
      await tick();
    }
    const job = await stack.readJob(jobId);
    if (job?.status !== 'completed' || !job.cleanedUp || job.rows?.succeeded !== job.rows?.total)
      throw new Error(`the job did not complete: ${JSON.stringify(job)}`);
    if ((await stack.due()) > 0) throw new Error('unfinished items are left');
    const { 'events published': events } = ofAll(counts);
    if (events !== JOB_EVENTS + 1 + observes.length)
      throw new Error(`${events} events: POLL did not observe exactly ${observes}`);
    return counts;
  }

  /** Runs a tick and the invocations that follow from it, and returns the job's calls. */
  async #tick(): Promise<CountsByFunction> {
    await this.#stack.tick();
    const ofTick = this.#counter.take();
    this.#checkShared(ofTick);
    await this.#stack.settle();
    return plusByFunction(ofTick.job, this.#counter.take().job, 1);
  }

  /** Throws if the calls counted for the tick are not those of each tick. */
  #checkShared({ tick }: TakenCounts): void {
    const [found, each] = [tick, this.#eachTick].map((counts) => {
      const ofEachTick = Object.entries(counts).filter(([kind]) => !NOT_OF_EACH_TICK.test(kind));
      return JSON.stringify(ofEachTick.toSorted());
    });
    if (found !== each) throw new Error(`a tick made the calls ${found}, the first tick ${each}`);
  }
}

/** Returns a file of 20 MB with results of 20 MB. Each row embeds many texts, because vectors are long. */
function largeFile(): string {
  const text = 'The quick brown fox jumps over the lazy dog at noon. '.repeat(24);
  return Array.from({ length: 1_000 }, (_, row) => {
    const body = {
      model: 'text-embedding-3-small',
      dimensions: 60,
      input: Array.from({ length: 16 }, () => text),
    };
    return `${JSON.stringify({ custom_id: `row-${row}`, method: 'POST', url: '/v1/embeddings', body })}\n`;
  }).join('');
}
