import { RetryableError, TerminalError } from '../../shared/domain/errors.ts';
import { pieceKeys } from '../../shared/domain/internal-keys.ts';
import type { Job } from '../../shared/domain/job.ts';
import type { Part } from '../../shared/domain/part.ts';
import { changePart, without } from '../../shared/lifecycle/compare-and-set.ts';
import type { LeasedJob } from '../../shared/lifecycle/lease.ts';
import type { Ports } from '../../shared/ports/ports.ts';

type Deps = Pick<Ports, 'ledger' | 'clock' | 'log' | 'results'>;

/** Whether a piece that was to be read or copied is not there, or is shorter than it was. */
export function isPieceGone(failure: unknown): boolean {
  return (
    failure instanceof TerminalError && (failure.code === 'object_gone' || failure.code === 'invalid_range')
  );
}

/**
 * Somebody removed pieces of the results before they were put together. What they were made of is still at the API until
 * the job is cleaned: their parts are delivered again, and the results begun anew. Errors: RetryableError, when there are any;
 * LostLease.
 */
export async function redeliverParts(deps: Deps, leased: LeasedJob, parts: readonly Part[]): Promise<void> {
  const gone: Part[] = [];
  for (const part of parts) if (!(await isWhole(deps, part))) gone.push(part);
  if (gone.length === 0) return;
  // First: who was overtaken finds the pieces gone because the job is finished and cleaned up, and stops here.
  await leased.change((job) => ({ ...(without(job, 'assembly') as Job), redelivered: true }));
  for (const part of gone) {
    deps.log.error('piece_gone', { jobId: part.jobId, part: part.number });
    await changePart(deps, part, (now) =>
      now.delivered?.deliveryId === part.delivered?.deliveryId
        ? { ...(without(now, 'delivered', 'dispatchedUntil') as Part), tries: 0 }
        : undefined,
    );
  }
  throw new RetryableError(`finish: pieces of ${gone.length} part(s) are gone, which are delivered again`);
}

async function isWhole({ results }: Deps, part: Part): Promise<boolean> {
  const { delivered } = part;
  if (!delivered) return true;
  const keys = pieceKeys(part, delivered.deliveryId);
  for (const name of ['output', 'errors', 'anomalies'] as const) {
    const bytes = delivered[`${name}Bytes`];
    if (bytes > 0 && (await results.size(keys[name])) !== bytes) return false;
  }
  return (await results.size(keys.states)) !== undefined;
}
