import { excerptOf } from '../../shared/contract/events.ts';
import { RESULT_NAMES } from '../../shared/contract/result-keys.ts';
import { IdDigest } from '../../shared/domain/id-digest.ts';
import { retriedJob } from '../../shared/domain/job.ts';
import type { CostRecord } from '../../shared/domain/money/cost-record.ts';
import { attemptSize, type RanBatch } from '../../shared/domain/part.ts';
import { endOfPart } from '../../shared/domain/part-end.ts';
import type { FlatResults } from '../../shared/domain/results/flat-results.ts';
import type { WholePart } from '../../shared/domain/spending/past-attempts.ts';
import type { DeliveredPart } from '../../shared/lifecycle/check-parts.ts';
import { isoTime } from '../../shared/lifecycle/status-events.ts';
import type { JobWithResults } from './job-end.ts';

/** Returns the text of `summary.json` for an ended job. */
export function summaryText(job: JobWithResults, parts: readonly WholePart<DeliveredPart>[]): string {
  return `${JSON.stringify(summaryOf(job, parts), null, 2)}\n`;
}

/** Returns the contents of `summary.json` for an ended job. Later versions only add fields. */
function summaryOf(job: JobWithResults, parts: readonly WholePart<DeliveredPart>[]): Record<string, unknown> {
  const { bucket, key, versionId, size, etag, metadata } = job.request;
  return {
    jobId: job.jobId,
    status: job.status,
    reason: job.reason ?? null,
    requestFile: { bucket, key, versionId, size, etag },
    metadata,
    retryOf: retriedJob(job) ?? null,
    rows: job.rows,
    usage: job.usage ?? null,
    cost: job.cost,
    usageDifferences: parts.flatMap(({ delivered }) => delivered.usageDifferences ?? []),
    ...(job.flat ? { table: tableSummary(job.flat) } : {}),
    ids: idDigests(parts),
    warnings: parts.flatMap(warningsOf),
    anomalies: parts.reduce((sum, part) => sum + part.delivered.anomalies, 0),
    unreadableLines: unreadableLines(parts),
    doubtfulFiles: parts.flatMap(({ doubtfulFiles = [] }) => doubtfulFiles),
    receivedAt: isoTime(job.createdAt),
    endedAt: isoTime(job.changedAt),
    ...(job.secondBatchSearch ? { secondBatchSearch: job.secondBatchSearch } : {}),
    parts: parts.map(partSummary),
  };
}

/** Returns the line that tells what an ended job cost. */
export function costRecord(job: JobWithResults, instance: string): string {
  const { jobId, status, request, rows, cost } = job;
  const { bucket, key, versionId, metadata } = request;
  const record: CostRecord = {
    jobId,
    instance,
    status,
    requestFile: { bucket, key, versionId },
    metadata,
    receivedAt: isoTime(job.createdAt),
    endedAt: isoTime(job.changedAt),
    rows,
    ...cost,
  };
  return `${JSON.stringify(record)}\n`;
}

/** `file`: null if there is no table, with the reason. */
function tableSummary(flat: FlatResults): Record<string, unknown> {
  return 'failed' in flat
    ? { file: null, reason: flat.failed }
    : { file: RESULT_NAMES.csv, rowsWithMoreAnswers: flat.rowsWithMoreAnswers, misfits: flat.misfits };
}

/** Returns digests of the ids in the request file and of those in the results. If they differ, a row was lost. */
function idDigests(parts: readonly DeliveredPart[]): { in: string; out: string } {
  const [idsIn, idsOut] = [new IdDigest(), new IdDigest()];
  for (const { delivered } of parts) {
    idsIn.addDigest(delivered.idsIn);
    idsOut.addDigest(delivered.idsOut);
  }
  return { in: idsIn.toString(), out: idsOut.toString() };
}

/**
 * Returns how many lines of the API's files are not result lines, and the first ones. The anomalies contain each of
 * them unchanged.
 */
function unreadableLines(parts: readonly DeliveredPart[]) {
  const all = parts.flatMap(({ delivered }) => (delivered.unreadable ? [delivered.unreadable] : []));
  return excerptOf(
    all.flatMap(({ first }) => first),
    all.reduce((sum, { count }) => sum + count, 0),
  );
}

function warningsOf({ number, model, ran, admission }: WholePart<DeliveredPart>): string[] {
  return [...ran.map((earlier) => earlier.admission), admission].flatMap((one) => {
    const { tokens, limit } = one?.estimate ?? { tokens: 0, limit: 0 };
    if (tokens <= limit) return [];
    return `part ${number}: about ${tokens} input tokens exceed the limit of ${limit} for ${model}; it was sent alone`;
  });
}

function partSummary(part: WholePart<DeliveredPart>): Record<string, unknown> {
  const { batch, intent, admission } = part;
  const present =
    batch && intent
      ? [{ batch, intent, rows: attemptSize(part).rows, ...(admission ? { admission } : {}) }]
      : [];
  return {
    partNumber: part.number,
    endpoint: part.endpoint,
    model: part.model,
    rows: part.delivered.rows,
    uploadedBytes: part.uploadBytes,
    attempts: part.attempt,
    batchId: batch?.batchId ?? null,
    status: endOfPart(part) ?? null,
    reason: part.ended?.reason ?? null,
    errors: batch ? { count: batch.errorCount, first: batch.errors } : null,
    requestCounts: batch?.counts ?? null,
    usage: batch?.usage ?? null,
    createdAt: batch ? isoTime(batch.createdAt) : null,
    endedAt: batch?.endedAt === undefined ? null : isoTime(batch.endedAt),
    earlierBatchIds: part.earlierBatchIds,
    secondBatchIds: part.secondBatchIds,
    tokenLimitRejections: part.tokenLimitRejections,
    batches: [...part.ran, ...present].map(batchSummary),
  };
}

/** `estimatedInputTokens` and `enqueuedTokensLimit` are null unless `enqueuedTokens` is set for the model. */
function batchSummary({ batch, intent, rows, admission }: RanBatch): Record<string, unknown> {
  return {
    batchId: batch.batchId,
    status: batch.status,
    sentRows: rows,
    uploadedCrc32: intent.crc32 ?? null,
    estimatedInputTokens: admission?.estimate?.tokens ?? null,
    enqueuedTokensLimit: admission?.estimate?.limit ?? null,
    requestCounts: batch.counts ?? null,
    usage: batch.usage ?? null,
    createdAt: isoTime(batch.createdAt),
    endedAt: batch.endedAt === undefined ? null : isoTime(batch.endedAt),
  };
}
