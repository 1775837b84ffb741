/**
 * The rule for keys in the results bucket. Files for users are under `<request key>/<jobId>/`, and Batchdrop's own
 * objects under `_batchdrop/`. No request key can lead from one into the other. All keys begin with `resultsPrefix`, if
 * it is set; only code that reads or names objects in the bucket adds it.
 */

/** The folder of Batchdrop's own objects. */
export const INTERNAL_FOLDER = '_batchdrop/';

/** The maximum length of `resultsPrefix` in bytes. With it, every key stays within S3's limit of 1,024. */
export const MAX_RESULTS_PREFIX = 80;

/** Returns whether the object is not for users. The clean-up of its job deletes it. */
export function isInternal(key: string): boolean {
  return key.startsWith(INTERNAL_FOLDER);
}

/** The folder for the results of request keys that cannot be a folder name. */
export const FOLDER_OF_OTHERS = '_long';

const MAX_KEY_IN_PATH = 900; // bytes: leaves space for a prefix, the job id and the file name within S3's 1,024
const RESERVED = /^_(batchdrop|long)(\/|$)/;

/** The names of the files in the folder of a job's results. */
export const RESULT_NAMES = {
  output: 'output.jsonl',
  csv: 'output.csv',
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

/** Returns the keys of the results that every planned job has. */
export function resultKeys(job: JobOfKey, prefix = ''): { output: string; errors: string; summary: string } {
  const folder = prefix + folderOf(job);
  return {
    output: folder + RESULT_NAMES.output,
    errors: folder + RESULT_NAMES.errors,
    summary: folder + RESULT_NAMES.summary,
  };
}

/**
 * Returns the key of the results that match no row, or a row that already has a line. It is written only if there are
 * any.
 */
export function anomaliesKey(job: JobOfKey, prefix = ''): string {
  return prefix + folderOf(job) + RESULT_NAMES.anomalies;
}

/** Returns the key of the results as one table. It is written only if the file or the prop `flatResults` asks for it. */
export function csvKey(job: JobOfKey, prefix = ''): string {
  return prefix + folderOf(job) + RESULT_NAMES.csv;
}

/** Returns the files for users that an ended job may have, by name. */
export function resultFileKeys(
  job: JobOfKey & { readonly status: string },
  prefix = '',
): { name: string; key: string }[] {
  const { output, csv, errors, anomalies, summary, report } = RESULT_NAMES;
  const names = job.status === 'rejected' ? [report] : [output, errors, summary, csv, anomalies];
  return names.map((name) => ({ name, key: prefix + folderOf(job) + name }));
}

/** Returns the keys of the results that are assembled from pieces. */
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

/** Returns the key of the report on a rejected file. */
export function reportKey(job: JobOfKey, prefix = ''): string {
  return prefix + folderOf(job) + RESULT_NAMES.report;
}

/** The same rule as patterns for IAM, in which `*` matches any text, including slashes. */
export const KEY_PATTERNS = {
  /** Assembled from pieces. */
  resultLines: [RESULT_NAMES.output, RESULT_NAMES.errors, RESULT_NAMES.anomalies, RESULT_NAMES.csv].map(
    inAnyFolder,
  ),
  summary: inAnyFolder(RESULT_NAMES.summary),
  report: inAnyFolder(RESULT_NAMES.report),
  internal: `${INTERNAL_FOLDER}*`,
} as const;

/** `<request key>/<jobId>/`. For a key over 900 bytes, or one that begins with one of our folders: `_long/<jobId>/`. */
function folderOf({ jobId, request: { key } }: JobOfKey): string {
  const hasFolder = new TextEncoder().encode(key).length <= MAX_KEY_IN_PATH && !RESERVED.test(key);
  return `${hasFolder ? key : FOLDER_OF_OTHERS}/${jobId}/`;
}

function inAnyFolder(name: string): string {
  return `*/${name}`;
}
