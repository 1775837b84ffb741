import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import type { Policies } from '../../../local/aws/iam/decision.ts';
import { chatRows } from '../endpoint/stock-clients.ts';
import type { PermissionStage } from './permission-stage.ts';

/** Something that the stack does, and what is to be read in the table when a permission for it is missing. */
export interface Scenario {
  readonly fails: string;
  readonly play: (stage: PermissionStage) => Promise<void>;
}

/** From the most usual to the rarest; the table names the first in which a permission is asked for. */
export const SCENARIOS: readonly Scenario[] = [
  { fails: 'a job gets no results', play: mainJob },
  { fails: 'rows of a file with several models are never sent', play: mixedFile },
  { fails: 'an invalid file is not rejected with a report', play: badFile },
  { fails: 'a file with duplicate ids is not rejected', play: idUsedTwice },
  { fails: 'a running batch is not cancelled', play: cancelledJob },
  { fails: 'the event of a deleted file goes to the dead-letter queue', play: fileGoneBeforeIntake },
  {
    fails: 'if a file is deleted while its job waits, the job stays open forever',
    play: fileGoneWhilePaused,
  },
  { fails: 'if INTAKE fails, POLL cannot dispatch the job again', play: intakeTriedAgain },
  { fails: 'if a checkpoint is missing, the scan of the file never completes', play: checkpointGone },
  {
    fails: 'if an upload of results over 8 MiB is interrupted, it is neither aborted nor started again',
    play: brokenDelivery,
  },
];

const HALF_A_LINE = '{"custom_id":"half\n';

async function mainJob(stage: PermissionStage): Promise<void> {
  const name = stage.newName('main');
  const jobId = await stage.drop(`${name}.jsonl`, chatRows(6, name));
  await stage.untilJob(jobId, 'completed');
  await stage.until(
    'the job is cleaned',
    async () => (await stage.ledger.readJob(jobId))?.cleanedUp === true,
  );
}

/** Its rows lie between each other: SUBMIT reads them one by one, by the row table. */
async function mixedFile(stage: PermissionStage): Promise<void> {
  const name = stage.newName('mixed');
  const lines = chatRows(6, name).trim().split('\n');
  const mixed = lines.map((line, at) => (at % 2 === 0 ? line : line.replace('gpt-4o-mini', 'gpt-4o')));
  await stage.untilJob(await stage.drop(`${name}.jsonl`, `${mixed.join('\n')}\n`), 'completed');
}

async function badFile(stage: PermissionStage): Promise<void> {
  await stage.untilJob(await stage.drop(`${stage.newName('bad')}.jsonl`, HALF_A_LINE), 'rejected');
}

async function idUsedTwice(stage: PermissionStage): Promise<void> {
  const row = chatRows(1, 'twice');
  await stage.untilJob(await stage.drop(`${stage.newName('twice')}.jsonl`, row + row), 'rejected');
}

async function cancelledJob(stage: PermissionStage): Promise<void> {
  const name = stage.newName('cancelled');
  const jobId = await stage.drop(`${name}.jsonl`, chatRows(6, name));
  await stage.untilJob(jobId, 'submitted');
  await stage.send(stage.names.cancelQueueUrl, { jobId });
  await stage.untilJob(jobId, 'cancelled');
}

/** S3's event comes, and the version is deleted: INTAKE has to be told that it is gone, not that it may not look. */
async function fileGoneBeforeIntake(stage: PermissionStage): Promise<void> {
  const key = `${stage.newName('gone-early')}.jsonl`;
  const object = { key, size: 1, etag: 'e', 'version-id': 'deleted-version' };
  const absence = stage.untilAsked('intake', 's3:ListBucket');
  await stage.send(queueOf(stage, 'intake'), {
    detail: { bucket: { name: stage.names.requestBucket }, object },
  });
  await absence;
}

/**
 * Submission is paused for so long that POLL looks after the job, the file goes, submission goes on: POLL hands the
 * part to SUBMIT again, and SUBMIT and DELIVER find the file gone.
 */
async function fileGoneWhilePaused(stage: PermissionStage): Promise<void> {
  const key = `${stage.newName('gone-late')}.jsonl`;
  await setPaused(stage, true);
  const VersionId = await stage.outsider.put(key, chatRows(3, key));
  const jobId = stage.jobIdOf(key, VersionId);
  await stage.untilJob(jobId, 'accepted');
  const Bucket = stage.names.requestBucket;
  await stage.outsider.s3.send(new DeleteObjectCommand({ Bucket, Key: key, VersionId }));
  await stage.untilAsked('polling', 'dynamodb:Query', (resource) => resource.endsWith('-table'));
  await setPaused(stage, false);
  await stage.untilJob(jobId, 'failed');
}

/** What was refused heals once it is allowed: POLL hands the job to INTAKE again. */
async function intakeTriedAgain(stage: PermissionStage): Promise<void> {
  stage.enforce(withoutAction(stage, 'intake', 's3:PutObject'));
  const refused = stage.untilAsked('intake', 's3:PutObject');
  const jobId = await stage.drop(`${stage.newName('bad-again')}.jsonl`, HALF_A_LINE);
  await refused;
  stage.enforce(stage.plan.policies);
  await stage.untilJob(jobId, 'rejected');
}

/** INTAKE has to be told that the checkpoint is gone, not that it may not look: then it reads the file anew. */
async function checkpointGone(stage: PermissionStage): Promise<void> {
  stage.enforce(withoutAction(stage, 'intake', 's3:PutObject'));
  const jobId = await stage.drop(`${stage.newName('bad-resumed')}.jsonl`, HALF_A_LINE);
  await stage.until('a checkpoint is noted', async () => {
    const job = await stage.ledger.readJob(jobId);
    if (job?.scan === undefined || job.lease !== undefined) return false;
    return await stage.ledger.replaceJob({ ...job, scan: { ...job.scan, checkpoints: 1 } });
  });
  stage.enforce(stage.plan.policies);
  await stage.untilJob(jobId, 'rejected');
}

/**
 * The API returns 18 MiB of results for rows that the file does not have, and no error file; and the uploads that were begun
 * for the results are gone when they are to be completed, as the bucket's rule for old uploads would have it.
 */
async function brokenDelivery(stage: PermissionStage): Promise<void> {
  stage.enforce(withoutAction(stage, 'delivery', 'dynamodb:GetItem'));
  const jobId = await stage.drop(`${stage.newName('large')}.jsonl`, embeddingRows(330));
  await stage.until('the batch ends', () => stage.hasEvent('Batch Status Change', jobId, 'completed'));
  const { outputFile, errorFile } = await resultFilesOf(stage, jobId);
  await loseAssemblies(stage, jobId);
  const results = readFileSync(outputFile, 'latin1');
  writeFileSync(outputFile, results.replaceAll(/"custom_id":"./g, '"custom_id":"?'), 'latin1');
  renameSync(errorFile, `${errorFile}.away`);
  stage.enforce(stage.plan.policies);
  await stage.untilAsked('delivery', 's3:AbortMultipartUpload');
  writeFileSync(outputFile, withLargeFilesOfEachKind(results), 'latin1');
  renameSync(`${errorFile}.away`, errorFile);
  await stage.untilJob(jobId, 'completed');
}

async function resultFilesOf(
  stage: PermissionStage,
  jobId: string,
): Promise<{ outputFile: string; errorFile: string }> {
  const job = await stage.ledger.readJob(jobId);
  const [part] = await stage.ledger.partsOf(jobId, job?.plan?.planId ?? '');
  const { outputFileId, errorFileId } = part?.batch ?? {};
  if (outputFileId === undefined || errorFileId === undefined) throw new Error('the batch left no two files');
  const pathOf = (fileId: string) => join(stage.directory, 'openai', 'files', fileId);
  return { outputFile: pathOf(outputFileId), errorFile: pathOf(errorFileId) };
}

/**
 * Results of the same length, as the API states it, in which each of the three result files gets 6 MiB: a third of the rows
 * has failed, and a third has short results, the long ones being of no row.
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

/** Notes uploads on the job that the bucket does not know. */
async function loseAssemblies(stage: PermissionStage, jobId: string): Promise<void> {
  const lost = { uploadId: 'expired-upload', etags: ['"etag"'] };
  await stage.until('the uploads are noted', async () => {
    const job = await stage.ledger.readJob(jobId);
    if (job?.status !== 'submitted') return false;
    return await stage.ledger.replaceJob({
      ...job,
      assembly: { output: lost, errors: lost, anomalies: lost },
    });
  });
}

async function setPaused(stage: PermissionStage, paused: boolean): Promise<void> {
  await stage.until('the switch is set', async () =>
    stage.ledger.replaceControl({ ...(await stage.ledger.readControl()), paused }),
  );
}

/** The policies without one action of one function. */
function withoutAction(stage: PermissionStage, stageName: string, action: string): Policies {
  const { policies } = stage.plan;
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

function queueOf(stage: PermissionStage, stageName: string): string {
  const queue = stage.plan.queues.find(({ name }) => name.includes(`${stageName}-work-queue`));
  if (queue === undefined) throw new Error(`there is no queue of ${stageName}`);
  return queue.name;
}

/** Rows with long answers, of which the last one fails. */
function embeddingRows(count: number): string {
  const rows = Array.from({ length: count }, (_, at) => ({
    custom_id: `row-${at}`,
    method: 'POST',
    url: '/v1/embeddings',
    body: {
      model: 'text-embedding-3-small',
      dimensions: 256,
      input: Array.from({ length: 16 }, (_, part) => `text ${at} ${part}`),
      ...(at === count - 1 && { metadata: { batchdrop_local: 'fail:400' } }),
    },
  }));
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}
