import { setTimeout as pause } from 'node:timers/promises';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import type { Job } from '../../../functions/shared/domain/job.ts';
import { jobIdOf } from '../../../functions/shared/domain/job-id.ts';
import { DUE_SHARDS } from '../../../functions/shared/domain/ledger-records.ts';
import type { CallCounter } from './call-counter.ts';
import type { SteppedDeployment } from './stepped-deployment.ts';

const MAX_WAIT_MS = 60_000; // real time; longer means that something is broken

/** Runs the stack one invocation at a time, in the same order in every run. */
export class SteppedStack {
  readonly #deployment: SteppedDeployment;
  readonly #counter: CallCounter;
  /** When the current status of the batch ends, by the clock; undefined while the batch has its first status. */
  #statusEndsAt: number | undefined;

  /** The stack adds the calls that Lambda makes for the functions to the counter. */
  constructor(deployment: SteppedDeployment, counter: CallCounter) {
    this.#deployment = deployment;
    this.#counter = counter;
  }

  /**
   * Uploads a request file, waits until its event is in INTAKE's queue, and returns the job id. The batch will stay
   * `validating` for the given time.
   */
  async upload(key: string, body: string, validatingMs: number): Promise<string> {
    this.#deployment.pace.statusMs = validatingMs;
    this.#statusEndsAt = undefined;
    const { s3, names } = this.#deployment.connection;
    const bucket = names.requestBucket;
    const { VersionId } = await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
    await until('the upload event is in the queue', () => this.#hasMessages());
    return jobIdOf({ bucket, key, versionId: VersionId ?? '' });
  }

  /** Invokes the functions with their messages until all queues are empty. */
  async settle(): Promise<void> {
    const { plan, engines, functions } = this.#deployment;
    for (let rounds = 0; rounds < 20 && this.#hasMessages(); rounds += 1) {
      for (const { queueArn, functionName } of plan.mappings) {
        for (const message of engines.sqs.queues.receive(queueArn, 1)) {
          const { messageId, body, receiptHandle, systemAttributes: attributes } = message;
          const record = { messageId, body, attributes, eventSource: 'aws:sqs', eventSourceARN: queueArn };
          const name = functions.nameOf(functionName);
          await functions.invoke(name, { Records: [record] });
          engines.sqs.queues.delete(queueArn, receiptHandle);
          this.#counter.add(name, { invocations: 1, 'messages received and deleted by Lambda': 1 });
        }
      }
    }
    if (this.#hasMessages()) throw new Error('the queues do not become empty');
  }

  /** Runs one tick of POLL. */
  async tick(): Promise<void> {
    await this.#deployment.functions.invoke('poll', {});
    this.#counter.add('tick', { invocations: 1 });
  }

  /** Advances the clock. */
  advance(ms: number): void {
    this.#deployment.clock.advance(ms);
  }

  /** Advances the clock until the batch has its next status, and waits for it. That status will last for the given time. */
  async reach(status: string, lastsMs: number): Promise<void> {
    const { clock, pace, batchApiUrl } = this.#deployment;
    const endsAt = this.#statusEndsAt ?? clock.now() + pace.statusMs;
    clock.advance(Math.max(0, endsAt - clock.now()));
    pace.statusMs = lastsMs; // the server reads it when the status changes
    await until(`the batch is ${status}`, async () => {
      const response = await fetch(`${batchApiUrl}/batches?limit=1`, {
        headers: { authorization: 'Bearer sk-bench' },
      });
      return Object(await response.json()).data?.[0]?.status === status;
    });
    this.#statusEndsAt = clock.now() + lastsMs;
  }

  /** Returns the number of unfinished items, whenever they are due. */
  async due(): Promise<number> {
    const { ledger } = this.#deployment.connection;
    let items = 0;
    for (let shard = 0; shard < DUE_SHARDS; shard += 1)
      items += (await ledger.due(shard, Number.MAX_SAFE_INTEGER, 1_000)).length;
    return items;
  }

  readJob(jobId: string): Promise<Job | undefined> {
    return this.#deployment.connection.ledger.readJob(jobId);
  }

  #hasMessages(): boolean {
    const { plan, engines } = this.#deployment;
    const { queues } = engines.sqs;
    return plan.mappings.some(({ queueArn }) => {
      const { visible, inFlight, delayed } = queues.counts(queues.byArn(queueArn));
      return visible + inFlight + delayed > 0;
    });
  }
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + MAX_WAIT_MS;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`timed out waiting until ${what}`);
    await pause(5);
  }
}
