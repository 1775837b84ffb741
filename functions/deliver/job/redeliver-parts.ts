import { csvKey, resultLinesKeys } from '../../shared/contract/result-keys.ts';
import { RetryableError, TerminalError } from '../../shared/domain/errors.ts';
import { pieceKeys } from '../../shared/domain/internal-keys.ts';
import type { Job } from '../../shared/domain/job.ts';
import type { Part } from '../../shared/domain/part.ts';
import { without } from '../../shared/domain/without.ts';
import type { DeliveredPart } from '../../shared/lifecycle/check-parts.ts';
import { partInHand } from '../../shared/lifecycle/compare-and-set.ts';
import { type LeasedJob, LostLease } from '../../shared/lifecycle/lease.ts';
import type { Ports } from '../../shared/ports/ports.ts';

type Deps = Pick<Ports, 'ledger' | 'clock' | 'log' | 'results'>;

/** Returns whether the failure means that a piece is missing or too short. */
export function isPieceGone(failure: unknown): boolean {
  return (
    failure instanceof TerminalError && (failure.code === 'object_gone' || failure.code === 'invalid_range')
  );
}

/**
 * Delivers parts again if their pieces were deleted before the results were assembled. This is possible because the API
 * keeps its result files until the job is cleaned up. The assembly starts again. Errors: RetryableError if pieces are
 * missing; LostLease.
 */
export async function redeliverParts(
  deps: Deps,
  leased: LeasedJob,
  parts: readonly DeliveredPart[],
): Promise<void> {
  const gone: DeliveredPart[] = [];
  for (const part of parts) if (!(await isWhole(deps, part))) gone.push(part);
  if (gone.length === 0) return;
  // Before the parts: if a superseded invocation finds no pieces because the job has ended and is cleaned up, it must
  // stop.
  const uploads = uploadsOf(leased.item);
  const isOpen = await leased.change((job) =>
    job.status === 'accepted' || job.status === 'submitted'
      ? { ...without(job, 'assembly', 'flatProgress', 'endingAt'), redelivered: true }
      : undefined,
  );
  if (!isOpen) throw new LostLease(`job ${leased.item.jobId}: it has ended`);
  for (const { key, uploadId } of uploads) await deps.results.abortUpload(key, uploadId);
  for (const part of gone) {
    deps.log.error('piece_gone', { jobId: part.jobId, part: part.number });
    await partInHand(deps, part).change((now) =>
      now.phase === 'delivered' && now.delivered.deliveryId === part.delivered.deliveryId
        ? undelivered(now)
        : undefined,
    );
  }
  throw new RetryableError(
    `finish: pieces of ${gone.length} part(s) are missing; the parts are delivered again`,
  );
}

/** Returns the uploads of result files that an assembly began. */
function uploadsOf(job: Job): { key: string; uploadId: string }[] {
  if (job.status !== 'accepted' && job.status !== 'submitted') return [];
  const { assembly = {} } = job;
  const keys = { ...resultLinesKeys(job), csv: csvKey(job) };
  return (['output', 'errors', 'anomalies', 'csv'] as const).flatMap((name) => {
    const upload = assembly[name];
    return upload ? [{ key: keys[name], uploadId: upload.uploadId }] : [];
  });
}

/** Returns the part as it was before its delivery. */
function undelivered(part: DeliveredPart): Part {
  if (part.ended) return { ...without(part, 'delivered', 'dispatchedUntil'), phase: 'ended', tries: 0 };
  return { ...without(part, 'delivered', 'dispatchedUntil'), phase: 'batch_ended', tries: 0 };
}

async function isWhole({ results }: Deps, part: DeliveredPart): Promise<boolean> {
  const { delivered } = part;
  const keys = pieceKeys(part, delivered.deliveryId);
  for (const name of ['output', 'errors', 'anomalies'] as const) {
    const bytes = delivered[`${name}Bytes`];
    if (bytes > 0 && (await results.size(keys[name])) !== bytes) return false;
  }
  return (await results.size(keys.states)) !== undefined;
}
