/** Keys in the results bucket of what is needed of a job only until it has ended. */
import { INTERNAL_FOLDER } from '../contract/result-keys.ts';
import type { PartRef } from './part.ts';

/** Holds row tables, checkpoints and pieces of the job, and nothing that a user reads. */
export function internalFolder(jobId: string): string {
  return `${INTERNAL_FOLDER}jobs/${jobId}/`;
}

/** Key of a part's row table; one folder a plan: parts of any other plan are never looked at. */
export function rowTableKey({ jobId, planId, number }: PartRef): string {
  return `${planFolder(jobId, planId)}${fiveDigits(number)}.rows`;
}

/** Key of what a scan knew when its turn ended, for the n-th time. */
export function checkpointKey(
  { jobId }: { jobId: string },
  scan: { planId: string; checkpoints: number },
): string {
  return `${planFolder(jobId, scan.planId)}checkpoint-${scan.checkpoints}`;
}

/** What a delivery stores of a part: a line for each row, by its outcome, and lines that are no row's. */
export type PieceName = RowPiece | 'anomalies';

/** A piece that has one line for each of its rows. */
export type RowPiece = 'output' | 'errors';

/**
 * Keys of what one delivery of a part contributes; removed once the job's results are put together. Each delivery has
 * keys of its own: one that was overtaken must not write over the pieces of the other.
 */
export function pieceKeys(
  { jobId, number }: { jobId: string; number: number },
  deliveryId: string,
): {
  output: string;
  errors: string;
  anomalies: string;
  states: string;
} {
  const folder = `${internalFolder(jobId)}parts/${fiveDigits(number)}/${deliveryId}`;
  return {
    output: `${folder}/output.jsonl`,
    errors: `${folder}/errors.jsonl`,
    anomalies: `${folder}/anomalies.jsonl`,
    states: `${folder}/rows.states`,
  };
}

function planFolder(jobId: string, planId: string): string {
  return `${internalFolder(jobId)}plans/${planId}/`;
}

function fiveDigits(number: number): string {
  return String(number).padStart(5, '0');
}
