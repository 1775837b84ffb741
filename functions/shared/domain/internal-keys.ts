/** Keys of objects in the results bucket that a job needs only until it ends. */
import { INTERNAL_FOLDER } from '../contract/result-keys.ts';
import type { PartRef } from './part.ts';

/** Returns the folder of the job's row tables, checkpoints and pieces. It contains nothing for users. */
export function internalFolder(jobId: string): string {
  return `${INTERNAL_FOLDER}jobs/${jobId}/`;
}

/** Returns the key of a part's row table. Each plan has its own folder, so objects of other plans are never read. */
export function rowTableKey({ jobId, planId, number }: PartRef): string {
  return `${planFolder(jobId, planId)}${fiveDigits(number)}.rows`;
}

/** Returns the key of a scan's checkpoint. */
export function checkpointKey(
  { jobId }: { jobId: string },
  scan: { planId: string; checkpoints: number },
): string {
  return `${planFolder(jobId, scan.planId)}checkpoint-${scan.checkpoints}`;
}

/** The files that a delivery stores for a part: one line per row, by outcome, and results that match no request. */
export type PieceName = RowPiece | 'anomalies';

/** A piece that has one line for each of its rows. */
export type RowPiece = 'output' | 'errors';

/**
 * Returns the keys of the pieces that one delivery of a part writes. The clean-up removes them once the results are
 * assembled. Each delivery has its own keys: a superseded delivery must not overwrite the pieces of another.
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

/** Returns the key of a piece of the job's table. `piece`: from 0. */
export function flatPieceKey(jobId: string, piece: number): string {
  return `${internalFolder(jobId)}table/${fiveDigits(piece)}.csv`;
}

function planFolder(jobId: string, planId: string): string {
  return `${internalFolder(jobId)}plans/${planId}/`;
}

function fiveDigits(number: number): string {
  return String(number).padStart(5, '0');
}
