import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import OpenAI, { toFile } from 'openai';
import { checkpointKey } from '../../../functions/shared/domain/internal-keys.ts';
import { RequestFileScan } from '../../../functions/shared/request-file/request-file-scan.ts';
import type { Policies } from '../../../local/aws/iam/decision.ts';
import { chatRows } from '../endpoint/chat-rows.ts';
import type { RecordedRuntime } from './recorded-runtime.ts';

/** An activity of the stack, and the table's text if a permission for it is missing. */
export interface Scenario {
  readonly fails: string;
  readonly run: (runtime: RecordedRuntime) => Promise<void>;
}

/** From the most frequent to the rarest. The table names the first scenario that needs a permission. */
export const SCENARIOS: readonly Scenario[] = [
  { fails: 'a job gets no results', run: mainJob },
  { fails: 'rows of a file with several models are never sent', run: mixedFile },
  { fails: 'a job whose results are wanted as a table does not end', run: jobWithTable },
  { fails: 'an invalid file is not rejected with a report', run: badFile },
  { fails: 'a file with duplicate ids is not rejected', run: idUsedTwice },
  { fails: 'a running batch is not cancelled', run: cancelledJob },
  { fails: 'an approved job is not sent, or only by POLL', run: approvedJob },
  { fails: 'the event of a deleted file goes to the dead-letter queue', run: fileGoneBeforeIntake },
  {
    fails: 'if a file is deleted while its job waits, the job stays open, or is not cleaned up',
    run: fileGoneWhilePaused,
  },
  { fails: 'if INTAKE fails, POLL cannot dispatch the job again', run: intakeRetried },
  { fails: 'if a checkpoint is missing, the scan of the file never completes', run: checkpointGone },
  {
    fails: 'if the upload of a checkpoint over 8 MiB fails, it stays for seven days',
    run: brokenCheckpoint,
  },
  {
    fails: 'if an upload of results over 8 MiB is interrupted, it is neither aborted nor started again',
    run: brokenDelivery,
  },
  { fails: 'an end is known only at the next tick of POLL', run: toldJob },
  {
    fails: 'if a webhook arrives before SUBMIT has saved the batch, its end is known later',
    run: earlyWebhook,
  },
];

const AS_TABLE = { 'batchdrop-format': 'csv' };
const HALF_A_LINE = '{"custom_id":"half\n';

async function mainJob(runtime: RecordedRuntime): Promise<void> {
  await tellEnds(runtime, false); // nor in the later scenarios, because POLL finds every end
  await completeJob(runtime);
}

async function completeJob(runtime: RecordedRuntime): Promise<void> {
  const name = runtime.newName('main');
  const jobId = await runtime.drop(`${name}.jsonl`, chatRows(6, name));
  await runtime.untilJob(jobId, 'completed');
  await untilCleanedUp(runtime, jobId);
}

async function untilCleanedUp(runtime: RecordedRuntime, jobId: string): Promise<void> {
  await runtime.until(
    `the clean-up of job ${jobId}`,
    async () => (await runtime.ledger.readJob(jobId))?.cleanedUp === true,
  );
}

/** The rows of two models alternate, so SUBMIT reads each row with the row table. */
async function mixedFile(runtime: RecordedRuntime): Promise<void> {
  const name = runtime.newName('mixed');
  const lines = chatRows(6, name).trim().split('\n');
  const mixed = lines.map((line, at) => (at % 2 === 0 ? line : line.replace('gpt-4o-mini', 'gpt-4o')));
  await runtime.untilJob(await runtime.drop(`${name}.jsonl`, `${mixed.join('\n')}\n`), 'completed');
}

async function jobWithTable(runtime: RecordedRuntime): Promise<void> {
  const name = runtime.newName('table');
  const key = `${name}.jsonl`;
  const versionId = await runtime.user.put(key, chatRows(6, name), AS_TABLE);
  const jobId = runtime.jobIdOf(key, versionId);
  await runtime.untilJob(jobId, 'completed');
}

async function badFile(runtime: RecordedRuntime): Promise<void> {
  await runtime.untilJob(await runtime.drop(`${runtime.newName('bad')}.jsonl`, HALF_A_LINE), 'rejected');
}

async function idUsedTwice(runtime: RecordedRuntime): Promise<void> {
  const row = chatRows(1, 'twice');
  await runtime.untilJob(await runtime.drop(`${runtime.newName('twice')}.jsonl`, row + row), 'rejected');
}

async function cancelledJob(runtime: RecordedRuntime): Promise<void> {
  const name = runtime.newName('cancelled');
  const jobId = await runtime.drop(`${name}.jsonl`, chatRows(6, name));
  await runtime.untilJob(jobId, 'submitted');
  await runtime.send(runtime.names.cancelQueueUrl, { jobId });
  await runtime.untilJob(jobId, 'cancelled');
}

/** One of two models: APPROVE lists the parts. An approval of a job that runs reaches its parts, too. */
async function approvedJob(runtime: RecordedRuntime): Promise<void> {
  const name = runtime.newName('approved');
  const key = `${name}.jsonl`;
  const lines = chatRows(6, name).trim().split('\n');
  const mixed = lines.map((line, at) => (at % 2 === 0 ? line : line.replace('gpt-4o-mini', 'gpt-4o')));
  const versionId = await runtime.user.put(key, `${mixed.join('\n')}\n`, { 'batchdrop-hold': 'yes' });
  const jobId = runtime.jobIdOf(key, versionId);
  await runtime.untilJob(jobId, 'unapproved');
  const sent = runtime.untilAsked('approval', 'sqs:SendMessage');
  await runtime.send(runtime.names.approvalQueueUrl, { jobId });
  await sent;
  await runtime.untilJob(jobId, 'completed');
}

/** S3's event arrives after the version was deleted. INTAKE must get a 404, not a 403. */
async function fileGoneBeforeIntake(runtime: RecordedRuntime): Promise<void> {
  const key = `${runtime.newName('gone-early')}.jsonl`;
  const object = { key, size: 1, etag: 'e', 'version-id': 'deleted-version' };
  const absence = runtime.untilAsked('intake', 's3:ListBucket');
  await runtime.send(queueOf(runtime, 'intake'), {
    detail: { bucket: { name: runtime.names.requestBucket }, object },
  });
  await absence;
}

/**
 * Submission is paused until POLL has found the job. Then the file is deleted and submission is resumed. POLL
 * dispatches the part to SUBMIT again, and SUBMIT and DELIVER find that the file is gone.
 */
async function fileGoneWhilePaused(runtime: RecordedRuntime): Promise<void> {
  const key = `${runtime.newName('gone-late')}.jsonl`;
  await setPaused(runtime, true);
  const VersionId = await runtime.user.put(key, chatRows(3, key));
  const jobId = runtime.jobIdOf(key, VersionId);
  await runtime.untilJob(jobId, 'accepted');
  const Bucket = runtime.names.requestBucket;
  await runtime.user.s3.send(new DeleteObjectCommand({ Bucket, Key: key, VersionId }));
  await runtime.untilAsked('polling', 'dynamodb:Query', (resource) => resource.endsWith('-table'));
  await setPaused(runtime, false);
  await runtime.untilJob(jobId, 'failed');
  await untilCleanedUp(runtime, jobId); // DELIVER must get a 404, not a 403, for the version that it tags
}

/** A denied call succeeds once it is allowed, because POLL dispatches the job to INTAKE again. */
async function intakeRetried(runtime: RecordedRuntime): Promise<void> {
  runtime.enforce(withoutAction(runtime, 'intake', 's3:PutObject'));
  const refused = runtime.untilAsked('intake', 's3:PutObject');
  const jobId = await runtime.drop(`${runtime.newName('bad-again')}.jsonl`, HALF_A_LINE);
  await refused;
  runtime.enforce(runtime.plan.policies);
  await runtime.untilJob(jobId, 'rejected');
}

/** INTAKE must get a 404, not a 403, for the missing checkpoint. Then it reads the file again. */
async function checkpointGone(runtime: RecordedRuntime): Promise<void> {
  runtime.enforce(withoutAction(runtime, 'intake', 's3:PutObject'));
  const jobId = await runtime.drop(`${runtime.newName('bad-resumed')}.jsonl`, HALF_A_LINE);
  await runtime.until('a checkpoint in the job', async () => {
    const job = await runtime.ledger.readJob(jobId);
    if (job?.scan === undefined || job.lease !== undefined) return false;
    return await runtime.ledger.replaceJob({ ...job, scan: { ...job.scan, checkpoints: 1 } });
  });
  runtime.enforce(runtime.plan.policies);
  await runtime.untilJob(jobId, 'rejected');
}

/**
 * INTAKE resumes from a checkpoint of a file with long ids. The upload of the next checkpoint is denied after it has
 * begun.
 */
async function brokenCheckpoint(runtime: RecordedRuntime): Promise<void> {
  runtime.enforce(withoutAction(runtime, 'intake', 's3:PutObject'));
  const content = `${rowsWithLongIds(18_000)}${HALF_A_LINE}`;
  const jobId = await runtime.drop(`${runtime.newName('long-ids')}.jsonl`, content);
  const read = RequestFileScan.begun({});
  read.push(Buffer.from(content).subarray(0, -10_000));
  const saved = Buffer.concat([...read.saved()].map((piece) => Uint8Array.from(piece)));
  await runtime.until('a checkpoint in the job', async () => {
    const job = await runtime.ledger.readJob(jobId);
    if (job?.scan === undefined || job.lease !== undefined) return false;
    const scan = { ...job.scan, checkpoints: 1 };
    const object = { Bucket: runtime.names.resultsBucket, Key: checkpointKey(job, scan), Body: saved };
    await runtime.user.s3.send(new PutObjectCommand(object));
    return await runtime.ledger.replaceJob({ ...job, scan });
  });
  const isNext = (resource: string) => resource.endsWith('/checkpoint-2');
  runtime.onceAsked('intake', 's3:PutObject', isNext, () =>
    runtime.enforce(withoutAction(runtime, 'intake', 's3:PutObject')),
  );
  const aborted = runtime.untilAsked('intake', 's3:AbortMultipartUpload', isNext);
  runtime.enforce(runtime.plan.policies);
  await aborted;
  runtime.enforce(runtime.plan.policies);
  await runtime.untilJob(jobId, 'rejected');
}

function rowsWithLongIds(count: number): string {
  const [line = ''] = chatRows(1, 'long').split('\n');
  const row = JSON.parse(line);
  return Array.from(
    { length: count },
    (_, at) => `${JSON.stringify({ ...row, custom_id: String(at).padStart(500, '-') })}\n`,
  ).join('');
}

/**
 * The API returns 18 MiB of results for rows that are not in the file, and no error file. In addition, the uploads of
 * the results are gone when they should be completed, as after the bucket's lifecycle rule for old uploads.
 */
async function brokenDelivery(runtime: RecordedRuntime): Promise<void> {
  runtime.enforce(withoutAction(runtime, 'delivery', 'dynamodb:GetItem'));
  const key = `${runtime.newName('large')}.jsonl`;
  const jobId = runtime.jobIdOf(key, await runtime.user.put(key, embeddingRows(330), AS_TABLE));
  await runtime.until('the end of the batch', () =>
    runtime.hasEvent('Batch Status Change', jobId, 'completed'),
  );
  const { outputFile, errorFile } = await resultFilesOf(runtime, jobId);
  await replaceUploads(runtime, jobId);
  const results = readFileSync(outputFile, 'latin1');
  writeFileSync(outputFile, results.replaceAll(/"custom_id":"./g, '"custom_id":"?'), 'latin1');
  renameSync(errorFile, `${errorFile}.away`);
  runtime.enforce(runtime.plan.policies);
  await runtime.untilAsked('delivery', 's3:AbortMultipartUpload');
  writeFileSync(outputFile, withLargeFilesOfEachKind(results), 'latin1');
  renameSync(`${errorFile}.away`, errorFile);
  await runtime.untilJob(jobId, 'completed');
}

async function toldJob(runtime: RecordedRuntime): Promise<void> {
  await whileEndsAreTold(runtime, async () => {
    const before = runtime.decisions.length;
    // POLL may find an end earlier. If it has already stored or published the end, WEBHOOK only does what is left.
    const hasDoneAll = () =>
      runtime.hasAsked('webhooks', 'events:PutEvents', before) &&
      runtime.hasAsked('webhooks', 'sqs:SendMessage', before) &&
      runtime.hasAsked('webhooks', 'secretsmanager:GetSecretValue', 0, (secret) =>
        secret.includes('/openai-'),
      );
    do await completeJob(runtime);
    while (!hasDoneAll());
  });
}

/** A webhook reports the end of a batch that has the intent of a job, but that no part has. */
async function earlyWebhook(runtime: RecordedRuntime): Promise<void> {
  await whileEndsAreTold(runtime, async () => {
    const client = batchApiOf(runtime);
    const file = await toFile(Buffer.from(HALF_A_LINE), 'requests.jsonl');
    const { id: input_file_id } = await client.files.create({ purpose: 'batch', file });
    const asked = runtime.untilAsked('webhooks', 'dynamodb:Query');
    await client.batches.create({
      ...{ input_file_id, endpoint: '/v1/chat/completions', completion_window: '24h' },
      metadata: { batchdrop_job: runtime.newName('early'), batchdrop_part: '1', batchdrop_intent: 'another' },
    });
    await asked;
  });
}

/** How many scenarios want webhooks: an earlier one may still go on when the next one begins. */
const toldScenarios = new WeakMap<RecordedRuntime, number>();

/** Only the last of several scenarios that overlap turns webhooks off. */
async function whileEndsAreTold(runtime: RecordedRuntime, work: () => Promise<void>): Promise<void> {
  const count = (change: number) => {
    const now = (toldScenarios.get(runtime) ?? 0) + change;
    toldScenarios.set(runtime, now);
    return now;
  };
  count(1);
  await tellEnds(runtime, true);
  try {
    await work();
  } finally {
    if (count(-1) === 0) await tellEnds(runtime, false);
    if ((toldScenarios.get(runtime) ?? 0) > 0) await tellEnds(runtime, true); // another one has begun meanwhile
  }
}

function batchApiOf({ names }: RecordedRuntime): OpenAI {
  return new OpenAI({ apiKey: 'sk-any', baseURL: names.openAiUrl });
}

/** Sets whether the Batch API server sends webhooks for the ends of batches from now on. */
async function tellEnds(runtime: RecordedRuntime, isTold: boolean): Promise<void> {
  const { webhooks } = batchApiOf(runtime);
  const ends = ['batch.completed', 'batch.failed', 'batch.expired', 'batch.cancelled'] as const;
  const event_types = isTold ? [...ends] : (['response.completed'] as const).slice();
  for await (const { id } of webhooks.list()) await webhooks.update(id, { event_types });
}

async function resultFilesOf(
  runtime: RecordedRuntime,
  jobId: string,
): Promise<{ outputFile: string; errorFile: string }> {
  const job = await runtime.ledger.readJob(jobId);
  const [part] = await runtime.ledger.partsOf(jobId, job?.plan?.planId ?? '');
  const { outputFileId, errorFileId } = part?.batch ?? {};
  if (outputFileId === undefined || errorFileId === undefined)
    throw new Error('the batch does not have two files');
  const pathOf = (fileId: string) => join(runtime.directory, 'openai', 'files', fileId);
  return { outputFile: pathOf(outputFileId), errorFile: pathOf(errorFileId) };
}

/**
 * Returns results of the same length, which the API has reported, with 6 MiB for each of the three result files. A
 * third of the rows has failed, and a third has short results, whose long ones match no row.
 */
function withLargeFilesOfEachKind(results: string): string {
  const lines = results.trim().split('\n');
  const third = Math.floor(lines.length / 3);
  const failed = lines.slice(0, third).map((line) => line.replace('"status_code":200', '"status_code":400'));
  const long = lines.slice(third, 2 * third);
  const short = long.map((line) => {
    const { response, ...rest } = JSON.parse(line);
    return JSON.stringify({ ...rest, response: { ...response, body: {} } });
  });
  const ofNoRow = long.slice(1).map((line) => line.replace('"custom_id":"row', '"custom_id":"???'));
  const all = [...failed, ...short, ...ofNoRow, ...lines.slice(2 * third)].join('\n');
  const filler = JSON.stringify({ custom_id: '' });
  const missing = results.length - all.length - '\n\n'.length - filler.length;
  return `${all}\n${JSON.stringify({ custom_id: '?'.repeat(missing) })}\n`;
}

/** A table whose first piece the bucket does not have. */
const LOST_TABLE = {
  shape: { columns: [], hasText: false, hasVectors: true, hasTools: false },
  pieces: [6 * 1024 * 1024],
  offsets: { requests: 1e12, output: 1e12, errors: 1e12 }, // nothing follows it
  counts: { rows: 0, succeeded: 0, misfits: { count: 0, first: [] }, rowsWithMoreAnswers: 0 },
  invocations: 1,
};

/** Stores in the job uploads that the bucket does not have. */
async function replaceUploads(runtime: RecordedRuntime, jobId: string): Promise<void> {
  const lost = { uploadId: 'expired-upload', etags: ['"etag"'] };
  await runtime.until('the uploads in the job', async () => {
    const job = await runtime.ledger.readJob(jobId);
    if (job?.status !== 'submitted') return false;
    return await runtime.ledger.replaceJob({
      ...job,
      assembly: { output: lost, errors: lost, anomalies: lost, csv: lost },
      flatProgress: LOST_TABLE,
    });
  });
}

async function setPaused(runtime: RecordedRuntime, paused: boolean): Promise<void> {
  await runtime.until('the pause switch', async () =>
    runtime.ledger.replaceControl({ ...(await runtime.ledger.readControl()), paused }),
  );
}

/** Returns the policies without one action of one function. */
function withoutAction(runtime: RecordedRuntime, stageName: string, action: string): Policies {
  const { policies } = runtime.plan;
  const ofRoles = new Map(
    [...policies.ofRoles].map(([arn, statements]) => {
      if (!arn.includes(`-${stageName}-worker-`)) return [arn, statements];
      return [
        arn,
        statements.map((each) => ({ ...each, actions: each.actions.filter((name) => name !== action) })),
      ];
    }),
  );
  return { ...policies, ofRoles };
}

function queueOf(runtime: RecordedRuntime, stageName: string): string {
  const queue = runtime.plan.queues.find(({ name }) => name.includes(`${stageName}-work-queue`));
  if (queue === undefined) throw new Error(`no queue of ${stageName}`);
  return queue.name;
}

/** Returns rows with long results. The last row fails. */
function embeddingRows(count: number): string {
  const rows = Array.from({ length: count }, (_, at) => ({
    custom_id: `row-${at}`,
    method: 'POST',
    url: '/v1/embeddings',
    body: {
      model: 'text-embedding-3-small',
      dimensions: 384,
      input: Array.from({ length: 16 }, (_, part) => `text ${at} ${part}`),
      ...(at === count - 1 && { metadata: { batchdrop_local: 'fail:400' } }),
    },
  }));
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}
