/**
 * The rule of the keys in the results bucket. What users read lies under `<request key>/<jobId>/`, what Batchdrop keeps for
 * itself under `_batchdrop/`, and no request key leads from one into the other. A `resultsPrefix` stands before all of
 * them: only what reads or names objects in the bucket adds it.
 */

/** Under it lies what Batchdrop keeps for itself. */
export const INTERNAL_FOLDER = '_batchdrop/';

/** The longest `resultsPrefix`, in bytes: every key stays within S3's 1,024. */
export const MAX_RESULTS_PREFIX = 80;

/** Returns whether the object is none that users read: the clean-up of its job removes it. */
export function isInternal(key: string): boolean {
  return key.startsWith(INTERNAL_FOLDER);
}

/** Holds the results of request keys that make no folder of their own. */
const FOLDER_OF_OTHERS = '_long';

const MAX_KEY_IN_PATH = 900; // bytes: leaves room for a prefix, the job id and the file's name below S3's 1,024
const RESERVED = /^_(batchdrop|long)(\/|$)/;

const NAMES = {
  output: 'output.jsonl',
  errors: 'errors.jsonl',
  anomalies: 'anomalies.jsonl',
  summary: 'summary.json',
  report: 'rejected.json',
} as const;

/** A job, and the key of its request file. */
export interface JobOfKey {
  readonly jobId: string;
  readonly request: { readonly key: string };
}

/** Keys of the results that every planned job has. */
export function resultKeys(job: JobOfKey, prefix = ''): { output: string; errors: string; summary: string } {
  const folder = prefix + folderOf(job);
  return {
    output: folder + NAMES.output,
    errors: folder + NAMES.errors,
    summary: folder + NAMES.summary,
  };
}

/** Key of the lines that belong to no row, or to a row that has a line already. Written only if there are any. */
export function anomaliesKey(job: JobOfKey, prefix = ''): string {
  return prefix + folderOf(job) + NAMES.anomalies;
}

/** Keys of a job's results that are written piece by piece. */
export function resultLinesKeys(job: JobOfKey): { output: string; errors: string; anomalies: string } {
  const { output, errors } = resultKeys(job);
  return { output, errors, anomalies: anomaliesKey(job) };
}

/** The folder of what jobs cost, and in it one folder for each day: a table over it reads only the days asked for. */
export const COSTS_FOLDER = `${INTERNAL_FOLDER}costs/`;

/** Key of what an ended job cost. `createdAt`: when its file arrived, in milliseconds; the day is in UTC. */
export function costKey({ jobId, createdAt }: { jobId: string; createdAt: number }, prefix = ''): string {
  return `${prefix}${COSTS_FOLDER}date=${new Date(createdAt).toISOString().slice(0, 10)}/${jobId}.json`;
}

/** Key of the report on a rejected file. */
export function reportKey(job: JobOfKey, prefix = ''): string {
  return prefix + folderOf(job) + NAMES.report;
}

/** The same rule as patterns of IAM, in which `*` is any text, slashes included. */
export const KEY_PATTERNS = {
  /** Written piece by piece. */
  resultLines: [NAMES.output, NAMES.errors, NAMES.anomalies].map(inAnyFolder),
  summary: inAnyFolder(NAMES.summary),
  report: inAnyFolder(NAMES.report),
  internal: `${INTERNAL_FOLDER}*`,
} as const;

/** `<request key>/<jobId>/`, or `_long/<jobId>/` for a key over 900 bytes or one that begins with a folder of ours. */
function folderOf({ jobId, request: { key } }: JobOfKey): string {
  const hasFolder = new TextEncoder().encode(key).length <= MAX_KEY_IN_PATH && !RESERVED.test(key);
  return `${hasFolder ? key : FOLDER_OF_OTHERS}/${jobId}/`;
}

function inAnyFolder(name: string): string {
  return `*/${name}`;
}
