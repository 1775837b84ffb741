import { IdDigest } from '../../shared/domain/id-digest.ts';
import type { Job } from '../../shared/domain/job.ts';
import type { Part, RanBatch } from '../../shared/domain/part.ts';
import { attemptSize } from '../../shared/domain/part.ts';
import { endOfPart } from '../../shared/domain/part-end.ts';
import { isoTime } from '../../shared/lifecycle/status-events.ts';

/** What `summary.json` says of an ended job; fields are only ever added. */
export function summaryOf(job: Job, parts: Part[]): Record<string, unknown> {
  const { bucket, key, versionId, size, etag, metadata } = job.request;
  return {
    jobId: job.jobId,
    status: job.status,
    reason: job.reason ?? null,
    requestFile: { bucket, key, versionId, size, etag },
    metadata,
    rows: job.rows,
    usage: job.usage ?? null,
    ids: idDigests(parts),
    warnings: parts.flatMap(warningsOf),
    anomalies: parts.reduce((sum, part) => sum + (part.delivered?.anomalies ?? 0), 0),
    receivedAt: isoTime(job.createdAt),
    endedAt: isoTime(job.changedAt),
    parts: parts.map(partSummary),
  };
}

/** Digests of the ids of all rows, as they came in and as they stand in the results: equal, or a row was lost. */
function idDigests(parts: Part[]): { in: string; out: string } {
  const [idsIn, idsOut] = [new IdDigest(), new IdDigest()];
  for (const { delivered } of parts) {
    if (!delivered) continue;
    idsIn.addDigest(delivered.idsIn);
    idsOut.addDigest(delivered.idsOut);
  }
  return { in: idsIn.toString(), out: idsOut.toString() };
}

function warningsOf({ number, model, ran, admission }: Part): string[] {
  return [...ran.map((earlier) => earlier.admission), admission].flatMap((one) => {
    const { tokens, limit } = one?.estimate ?? { tokens: 0, limit: 0 };
    if (tokens <= limit) return [];
    return `part ${number}: about ${tokens} input tokens are more than the limit of ${limit} for ${model}; it was sent alone`;
  });
}

function partSummary(part: Part): Record<string, unknown> {
  const { batch, intent, admission } = part;
  const present =
    batch && intent
      ? [{ batch, intent, rows: attemptSize(part).rows, ...(admission ? { admission } : {}) }]
      : [];
  return {
    partNumber: part.number,
    endpoint: part.endpoint,
    model: part.model,
    rows: part.delivered?.rows,
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

/** `estimatedInputTokens` and the limit they were held against: where `enqueuedTokens` is set for the model. */
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
