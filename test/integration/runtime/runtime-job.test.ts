import { GetQueueAttributesCommand, ListQueuesCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectionTo } from '../../../bin/connection/connection.ts';
import { jobIdOf } from '../../../functions/shared/domain/job-id.ts';
import { chatRows, idsIn } from '../../local/endpoint/chat-rows.ts';
import { type Subscription, UserProgram } from '../../local/endpoint/user-program.ts';
import { ChildRuntime } from '../child-runtime.ts';

const STAGES = ['intake', 'submission', 'delivery'] as const;
type Stage = (typeof STAGES)[number];

const BATCH = 'OpenAI Batch Status Change';
const JOB = 'OpenAI Batch Job Status Change';

let runtime: ChildRuntime;
let user: UserProgram;
let subscription: Subscription;
let uploads: Subscription;

beforeAll(async () => {
  runtime = await ChildRuntime.start({ speed: 120 }); // POLL runs twice per second of wall time
  user = new UserProgram(runtime.names);
  subscription = await user.subscribe('hears-batchdrop', runtime.names.eventBus, {
    source: ['batchdrop'],
  });
  uploads = await user.subscribe('hears-uploads', 'default', { source: ['aws.s3'] });
});

afterAll(async () => {
  user?.close();
  await runtime?.discard();
});

function jobIdFor(key: string, versionId: string): string {
  return jobIdOf({ bucket: runtime.names.requestBucket, key, versionId });
}

/** Returns the audit entries of a job. */
function auditOf(jobId: string) {
  const all = runtime.openAiAudit;
  const batches = all.filter(
    (entry) => entry.event === 'batch.created' && entry.metadata?.batchdrop_job === jobId,
  );
  const ids = new Set(batches.flatMap((entry) => (entry.event === 'batch.created' ? entry.batchId : [])));
  const billed = all.flatMap((entry) =>
    entry.event === 'row.billed' && ids.has(entry.batchId) ? entry.customId : [],
  );
  return { batches: batches.length, billed: billed.toSorted() };
}

async function send(stage: Stage, body: string): Promise<void> {
  await user.sqs.send(new SendMessageCommand({ QueueUrl: await queueOf(stage), MessageBody: body }));
}

async function queueOf(stage: Stage): Promise<string> {
  const QueueNamePrefix = `batchdrop-${stage}-work-queue`;
  const { QueueUrls = [] } = await user.sqs.send(new ListQueuesCommand({ QueueNamePrefix }));
  const [url] = QueueUrls;
  if (url === undefined) throw new Error(`there is no queue ${QueueNamePrefix}`);
  return url;
}

/** Waits until all work queues are empty. */
async function untilIdle(): Promise<void> {
  for (const stage of STAGES) {
    const QueueUrl = await queueOf(stage);
    const waiting = async () => {
      const { Attributes } = await user.sqs.send(
        new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }),
      );
      const { ApproximateNumberOfMessages: visible, ApproximateNumberOfMessagesNotVisible: hidden } =
        Attributes ?? {};
      return Number(visible) + Number(hidden);
    };
    await expect.poll(waiting, { timeout: 30_000, interval: 50 }).toBe(0);
  }
}

async function planOf(jobId: string): Promise<string | undefined> {
  const connection = connectionTo(runtime.names);
  try {
    return (await connection.ledger.readJob(jobId))?.plan?.planId;
  } finally {
    connection.close();
  }
}

describe('a request file uploaded with the AWS SDK', () => {
  it('runs as one batch, a rule with a queue gets every status in order, and each row has one result', async () => {
    const file = chatRows(30, 'tea');
    const jobId = jobIdFor(
      'folder/tea time.jsonl',
      await user.put('folder/tea time.jsonl', file, { 'batch-team': 'kitchen' }),
    );
    const ended = await subscription.untilJob(jobId, 'completed');

    expect(subscription.of(jobId, BATCH).map(({ detail }) => detail.data.status)).toEqual([
      'validating',
      'in_progress',
      'finalizing',
      'completed',
    ]);
    expect(subscription.of(jobId, JOB).map(({ detail }) => detail.data.status)).toEqual([
      'accepted',
      'submitted',
      'completed',
    ]);
    expect(ended.detail.data).toMatchObject({
      rows: { total: 30, succeeded: 30, failed: 0 },
      metadata: { team: 'kitchen' },
      results: { bucket: runtime.names.resultsBucket, output: `folder/tea time.jsonl/${jobId}/output.jsonl` },
    });
    const output = await user.read(
      runtime.names.resultsBucket,
      `folder/tea time.jsonl/${jobId}/output.jsonl`,
    );
    expect(idsIn(output)).toEqual(idsIn(file));
    expect(auditOf(jobId)).toEqual({ batches: 1, billed: idsIn(file) });
  });

  it('has one batch and pays each row once, although each message is delivered twice', async () => {
    const file = chatRows(12, 'twice');
    const jobId = jobIdFor('twice.jsonl', await user.put('twice.jsonl', file));
    await uploads.until('the upload', ({ detail }) => JSON.stringify(detail).includes('twice.jsonl'));
    const event = uploads.bodies.find((body) => body.includes('twice.jsonl')) ?? '';
    await send('intake', event);
    await send('intake', JSON.stringify({ jobId }));

    await subscription.untilJob(jobId, 'submitted');
    const planId = await planOf(jobId);
    const part = JSON.stringify({ ref: { jobId, planId, number: 1 } });
    await send('submission', part);
    await send('submission', part);
    await subscription.until(
      'the end of the batch',
      ({ detail }) => detail.metadata.jobId === jobId && detail.data.status === 'completed',
    );
    await send('delivery', part);
    await send('delivery', JSON.stringify({ jobId }));
    await subscription.untilJob(jobId, 'completed');
    await send('intake', event);
    await send('submission', part);
    await send('delivery', part);

    await untilIdle();
    expect(auditOf(jobId)).toEqual({ batches: 1, billed: idsIn(file) });
    expect(subscription.of(jobId, JOB).map(({ detail }) => detail.data.status)).toEqual([
      'accepted',
      'submitted',
      'completed',
    ]);
    const output = await user.read(runtime.names.resultsBucket, `twice.jsonl/${jobId}/output.jsonl`);
    expect(idsIn(output)).toEqual(idsIn(file));
  });

  it('is a separate job for each content of a key, and joins the job with the same bytes', async () => {
    const [first, second] = [chatRows(5, 'first'), chatRows(7, 'second')];
    const firstJob = jobIdFor('same-key.jsonl', await user.put('same-key.jsonl', first));
    const secondJob = jobIdFor('same-key.jsonl', await user.put('same-key.jsonl', second));
    await subscription.untilJob(firstJob, 'completed');
    await subscription.untilJob(secondJob, 'completed');
    const again = jobIdFor('same-key.jsonl', await user.put('same-key.jsonl', second));
    const joined = await subscription.untilJob(again, 'joined');

    expect(joined.detail.data.joinedJobId).toBe(secondJob);
    expect(auditOf(firstJob).billed).toHaveLength(5);
    expect(auditOf(secondJob).billed).toHaveLength(7);
    expect(auditOf(again)).toEqual({ batches: 0, billed: [] });
  });

  it('is rejected with a report if a line is invalid, and nothing is sent', async () => {
    const key = 'bad.jsonl';
    const jobId = jobIdFor(key, await user.put(key, `${chatRows(2, 'good')}{"custom_id":"half\n`));
    const rejected = await subscription.untilJob(jobId, 'rejected');
    expect(rejected.detail.data).toMatchObject({
      findings: { count: 1, first: [{ line: 3 }] },
      report: { bucket: runtime.names.resultsBucket, key: `${key}/${jobId}/rejected.json` },
    });
    // The rows that were stored during the read are deleted a little later.
    await expect
      .poll(() => user.keys(runtime.names.resultsBucket, `_batchdrop/jobs/${jobId}/`), {
        timeout: 45_000,
      })
      .toEqual([]);
    expect(await user.keys(runtime.names.resultsBucket, `${key}/`)).toEqual([
      `${key}/${jobId}/rejected.json`,
    ]);
    expect(auditOf(jobId)).toEqual({ batches: 0, billed: [] });
  });
});
