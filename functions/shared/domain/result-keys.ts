import type { Job } from './job.ts';
import type { Part } from './part.ts';

const MAX_KEY_IN_PATH = 900; // bytes: leaves room for the job id and the file's name below S3's 1,024

/** The folder of a job's results: `<request key>/<jobId>/`, or `_long/<jobId>/` for a key over 900 bytes. */
function folderOf(jobId: string, requestKey: string): string {
  const tooLong = new TextEncoder().encode(requestKey).length > MAX_KEY_IN_PATH;
  return `${tooLong ? '_long' : requestKey}/${jobId}/`;
}

/** Keys of what users read. */
export function resultKeys(job: Pick<Job, 'jobId' | 'request'>): {
  output: string;
  errors: string;
  summary: string;
} {
  const folder = folderOf(job.jobId, job.request.key);
  return {
    output: `${folder}output.jsonl`,
    errors: `${folder}errors.jsonl`,
    summary: `${folder}summary.json`,
  };
}

/** Key of the lines that belong to no row, or to a row that has a line already. Written only if there are any. */
export function anomaliesKey(job: Pick<Job, 'jobId' | 'request'>): string {
  return `${folderOf(job.jobId, job.request.key)}anomalies.jsonl`;
}

/** Key of the report on a rejected file. */
export function reportKey(job: Pick<Job, 'jobId' | 'request'>): string {
  return `${folderOf(job.jobId, job.request.key)}rejected.json`;
}

/** Under it lies all that is needed of a job only until it has ended: row tables, checkpoints, deliveries' pieces. */
export function piecesFolder(job: { jobId: string; request: { key: string } }): string {
  return `${folderOf(job.jobId, job.request.key)}parts/`;
}

/** Key of a part's row table; one folder a plan: parts of any other plan are never looked at. */
export function rowTableKey(part: Pick<Part, 'jobId' | 'planId' | 'number' | 'request'>): string {
  return `${piecesFolder(part)}plan-${part.planId}/${fiveDigits(part.number)}.rows`;
}

/** Key of what a scan knew when its turn ended, for the n-th time. */
export function checkpointKey(
  job: { jobId: string; request: { key: string } },
  scan: { planId: string; checkpoints: number },
): string {
  return `${piecesFolder(job)}plan-${scan.planId}/scan-${scan.checkpoints}`;
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
  part: Pick<Part, 'jobId' | 'number' | 'request'>,
  deliveryId: string,
): {
  output: string;
  errors: string;
  anomalies: string;
  states: string;
} {
  const folder = `${piecesFolder(part)}${fiveDigits(part.number)}/${deliveryId}`;
  return {
    output: `${folder}/output.jsonl`,
    errors: `${folder}/errors.jsonl`,
    anomalies: `${folder}/anomalies.jsonl`,
    states: `${folder}/rows.states`,
  };
}

function fiveDigits(number: number): string {
  return String(number).padStart(5, '0');
}
