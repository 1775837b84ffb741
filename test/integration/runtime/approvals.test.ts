import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jobIdOf } from '../../../functions/shared/domain/job-id.ts';
import { chatRows, idsIn } from '../../local/endpoint/chat-rows.ts';
import { type Subscription, UserProgram } from '../../local/endpoint/user-program.ts';
import { ChildRuntime } from '../child-runtime.ts';

const JOB = 'OpenAI Batch Job Status Change';
const HOLD = { 'batchdrop-hold': 'yes' };

let runtime: ChildRuntime;
let user: UserProgram;
let subscription: Subscription;

beforeAll(async () => {
  runtime = await ChildRuntime.start({ speed: 600 });
  user = new UserProgram(runtime.names);
  subscription = await user.subscribe('hears-batchdrop', runtime.names.eventBus, { source: ['batchdrop'] });
});

afterAll(async () => {
  user?.close();
  await runtime?.discard();
});

async function hold(key: string, rows: string): Promise<string> {
  const versionId = await user.put(key, rows, HOLD);
  const jobId = jobIdOf({ bucket: runtime.names.requestBucket, key, versionId });
  const held = await subscription.untilJob(jobId, 'unapproved');
  expect(held.detail.data).toMatchObject({ reason: { code: 'hold_requested' } });
  return jobId;
}

const send = (QueueUrl: string, message: object) =>
  user.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify(message) }));

const statusesOf = (jobId: string) => subscription.of(jobId, JOB).map(({ detail }) => detail.data.status);

/** What the API was asked for with this job. */
const askedFor = (jobId: string) =>
  runtime.openAiAudit.filter((entry) => JSON.stringify(entry).includes(jobId)).map(({ event }) => event);

describe('a request file uploaded with the instruction to hold it', () => {
  it('is not sent before a message approves it, and then completes', async () => {
    const file = chatRows(9, 'held');
    const jobId = await hold('held.jsonl', file);
    const other = await user.put('other.jsonl', chatRows(3, 'other'));
    // Another job runs to its end meanwhile: whatever sends a job has had its chance.
    const bucket = runtime.names.requestBucket;
    await subscription.untilJob(jobIdOf({ bucket, key: 'other.jsonl', versionId: other }), 'completed');
    expect(askedFor(jobId)).toEqual([]);

    for (let copies = 0; copies < 3; copies += 1) await send(runtime.names.approvalQueueUrl, { jobId });
    const { detail } = await subscription.untilJob(jobId, 'completed');
    expect(statusesOf(jobId)).toEqual(['unapproved', 'accepted', 'submitted', 'completed']);
    expect(detail.data).toMatchObject({ rows: { total: 9, succeeded: 9 } });
    expect(askedFor(jobId).filter((event) => event === 'batch.created')).toHaveLength(1);
    const output = await user.read(runtime.names.resultsBucket, `held.jsonl/${jobId}/output.jsonl`);
    expect(idsIn(output)).toEqual(idsIn(file));
  });

  it('ends as cancelled if a message refuses it, and nothing is sent', async () => {
    const jobId = await hold('refused.jsonl', chatRows(4, 'refused'));
    await send(runtime.names.cancelQueueUrl, { jobId });
    const { detail } = await subscription.untilJob(jobId, 'cancelled');
    expect(detail.data).toMatchObject({ previousStatus: 'unapproved', reason: { code: 'cancelled' } });
    expect(detail.data).not.toHaveProperty('results');
    await send(runtime.names.approvalQueueUrl, { jobId });
    await hold('last.jsonl', chatRows(1, 'last')); // by now APPROVE has had its turn
    expect(statusesOf(jobId)).toEqual(['unapproved', 'cancelled']);
    expect(askedFor(jobId)).toEqual([]);
  });
});
