import { createHash } from 'node:crypto';
import { TerminalError } from '../../domain/errors.ts';
import { ID_PREFIX_LENGTH } from '../../domain/job-id.ts';
import type { DueItem } from '../../domain/ledger-records.ts';
import { DUE_SHARDS } from '../../domain/ledger-records.ts';
import type { PartRef } from '../../domain/part.ts';

/** Primary key of an item of the ledger. */
export interface LedgerKey {
  pk: string;
  sk: string;
}

const PART_DIGITS = 5; // parts sort by number as text; a file has far fewer than 100,000

/** Where a job is kept. */
export function jobKey(jobId: string): LedgerKey {
  return { pk: `JOB#${jobId}`, sk: 'META' };
}

/** Where a part is kept. */
export function partKey(ref: PartRef): LedgerKey {
  return {
    pk: `JOB#${ref.jobId}`,
    sk: `${partsPrefix(ref.planId)}${String(ref.number).padStart(PART_DIGITS, '0')}`,
  };
}

/** What the sort keys of all parts of a plan, or of every plan, begin with. */
export function partsPrefix(planId?: string): string {
  return planId === undefined ? 'PART#' : `PART#${planId}#`;
}

/** Where a page of a part's earlier attempts is kept. */
export function pastKey({ jobId, planId, number }: PartRef, page: number): LedgerKey {
  return { pk: `JOB#${jobId}`, sk: `PAST#${planId}#${String(number).padStart(PART_DIGITS, '0')}#${page}` };
}

/** Where the pointer from a batch to its part is kept. */
export function batchPointerKey(batchId: string): LedgerKey {
  return { pk: `BATCH#${batchId}`, sk: 'PTR' };
}

/** Where it is noted that a webhook told the end of a batch before a part had it. */
export function earlyEndKey(batchId: string): LedgerKey {
  return { pk: `BATCH#${batchId}`, sk: 'EARLY' };
}

/** Where the pointer from an object key to its newest job is kept; hashed, as an object key may outgrow a table's. */
export function keyPointerKey(bucket: string, key: string): LedgerKey {
  return { pk: `KEY#${createHash('sha256').update(`${bucket}/${key}`).digest('hex')}`, sk: 'LAST' };
}

/** Where the operator's switches are kept. */
export const CONTROL_KEY: LedgerKey = { pk: 'CONTROL', sk: 'PAUSE' };

/** Where it is kept who was admitted from waiting for capacity. */
export const ADMISSIONS_KEY: LedgerKey = { pk: 'CONTROL', sk: 'ADMISSIONS' };

/** Where the creates of the last hour are kept. */
export const CREATES_KEY: LedgerKey = { pk: 'CONTROL', sk: 'CREATES' };

/** Where it is kept when the last genuine webhook came. */
export const LAST_WEBHOOK_KEY: LedgerKey = { pk: 'CONTROL', sk: 'WEBHOOK' };

/** The shard of the `due` index an item belongs to, 0 to 15; always the same for the same key. */
export function dueShardOf(key: LedgerKey): number {
  return createHash('sha256').update(`${key.pk} ${key.sk}`).digest().readUInt32BE(0) % DUE_SHARDS;
}

/** Shards of the index of jobs by time: a list reads them all. */
export const JOB_SHARDS = 4;

/** The shard of the index of jobs by time that a job belongs to, 0 to 3; always the same for the same job. */
export function jobShardOf(jobId: string): number {
  return dueShardOf(jobKey(jobId)) % JOB_SHARDS;
}

/** Where a job stands among all jobs: by its time in milliseconds, and by its id between two of the same millisecond. */
export function jobTime({ createdAt, jobId }: { createdAt: number; jobId: string }): string {
  return `${new Date(createdAt).toISOString()}#${jobId}`;
}

/** The job that stands there. */
export function jobAt(time: string): { createdAt: number; jobId: string } {
  const [at = '', jobId = ''] = time.split('#');
  return { createdAt: Date.parse(at), jobId };
}

/** The cursor that continues a list after the job that stands there. */
export function cursorAfter(time: string): string {
  return Buffer.from(time).toString('base64url');
}

/** Where the job before a cursor stands. Throws a TerminalError for what `cursorAfter` did not return. */
export function timeIn(cursor: string): string {
  const time = Buffer.from(cursor, 'base64url').toString();
  if (/^[-+\d]+T[\d:.]+Z#\w+$/.test(time)) return time;
  throw new TerminalError(
    'invalid_cursor',
    `'${cursor}' is not a cursor; use the cursor of the previous page`,
  );
}

/** What an id is found by in the index of job ids: its first characters. */
export function idPrefixOf(jobId: string): string {
  return jobId.slice(0, ID_PREFIX_LENGTH);
}

/** The job or part behind a key; undefined for any other item. */
export function dueItemAt(key: LedgerKey): DueItem | undefined {
  if (!key.pk.startsWith('JOB#')) return undefined;
  const jobId = key.pk.slice('JOB#'.length);
  if (key.sk === 'META') return { kind: 'job', jobId };
  const [label, planId, number, ...rest] = key.sk.split('#');
  if (label !== 'PART' || planId === undefined || number === undefined || rest.length > 0) return undefined;
  return { kind: 'part', jobId, planId, number: Number(number) };
}
