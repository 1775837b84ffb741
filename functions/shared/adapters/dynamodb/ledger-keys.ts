import { createHash } from 'node:crypto';
import { TerminalError } from '../../domain/errors.ts';
import { ID_PREFIX_LENGTH } from '../../domain/job-id.ts';
import type { DueItem } from '../../domain/ledger-records.ts';
import { DUE_SHARDS } from '../../domain/ledger-records.ts';
import type { PartRef } from '../../domain/part.ts';

/** The primary key of a ledger item. */
export interface LedgerKey {
  pk: string;
  sk: string;
}

/** Returns the key as DynamoDB takes it. */
export function asItemKey({ pk, sk }: LedgerKey): { pk: { S: string }; sk: { S: string } } {
  return { pk: { S: pk }, sk: { S: sk } };
}

const PART_DIGITS = 5; // parts sort by number as text; a file has far fewer than 100,000

/** Returns the key of a job. */
export function jobKey(jobId: string): LedgerKey {
  return { pk: `JOB#${jobId}`, sk: 'META' };
}

/** Returns the key of a part. */
export function partKey(ref: PartRef): LedgerKey {
  return {
    pk: `JOB#${ref.jobId}`,
    sk: `${partsPrefix(ref.planId)}${String(ref.number).padStart(PART_DIGITS, '0')}`,
  };
}

/** Returns the start of the sort keys of all parts of a plan, or of every plan. */
export function partsPrefix(planId?: string): string {
  return planId === undefined ? 'PART#' : `PART#${planId}#`;
}

/** Returns the key of a page of a part's earlier attempts. */
export function pastKey({ jobId, planId, number }: PartRef, page: number): LedgerKey {
  return { pk: `JOB#${jobId}`, sk: `PAST#${planId}#${String(number).padStart(PART_DIGITS, '0')}#${page}` };
}

/** Returns the key of the pointer from a batch to its part. */
export function batchPointerKey(batchId: string): LedgerKey {
  return { pk: `BATCH#${batchId}`, sk: 'PTR' };
}

/** Returns the key of the note that a webhook reported the end of a batch before any part had the batch. */
export function earlyEndKey(batchId: string): LedgerKey {
  return { pk: `BATCH#${batchId}`, sk: 'EARLY' };
}

/** Returns the key of the record of a task that waits for a job. */
export function callbackKey(callbackId: string): LedgerKey {
  return { pk: `CALLBACK#${callbackId}`, sk: 'TASK' };
}

const FOLLOWER = 'CALLBACK#';

/** Returns the key of the note that a callback follows a job; without an id, the start of the keys of all its followers. */
export function followerKey(jobId: string, callbackId: string): LedgerKey {
  return { pk: `JOB#${jobId}`, sk: FOLLOWER + callbackId };
}

/** Returns the callback in the sort key of a follower. */
export function callbackIdAt(sk: string): string {
  return sk.slice(FOLLOWER.length);
}

/**
 * Returns the key of the pointer from an object key to its newest job. It is a hash, because an object key may be
 * longer than a table key can be.
 */
export function keyPointerKey(bucket: string, key: string): LedgerKey {
  return { pk: `KEY#${createHash('sha256').update(`${bucket}/${key}`).digest('hex')}`, sk: 'LAST' };
}

/** The key of the operator's switches. */
export const CONTROL_KEY: LedgerKey = { pk: 'CONTROL', sk: 'PAUSE' };

/** The key of the list of admitted parts. */
export const ADMISSIONS_KEY: LedgerKey = { pk: 'CONTROL', sk: 'ADMISSIONS' };

/** The key of the creates of the last hour. */
export const CREATES_KEY: LedgerKey = { pk: 'CONTROL', sk: 'CREATES' };

/** The key of the time at which the last genuine webhook was received. */
export const LAST_WEBHOOK_KEY: LedgerKey = { pk: 'CONTROL', sk: 'WEBHOOK' };

/** Returns the shard of the `due` index for an item, 0 to 3; always the same for the same key. */
export function dueShardOf(key: LedgerKey): number {
  return createHash('sha256').update(`${key.pk} ${key.sk}`).digest().readUInt32BE(0) % DUE_SHARDS;
}

/** The shards of the index of jobs by time. A list reads all of them. */
export const JOB_SHARDS = 4;

/** Returns the shard of the index of jobs by time for a job, 0 to 3; always the same for the same job. */
export function jobShardOf(jobId: string): number {
  return dueShardOf(jobKey(jobId)) % JOB_SHARDS;
}

/** Returns a job's position among all jobs: its time in milliseconds, then its id for jobs of the same millisecond. */
export function jobTime({ createdAt, jobId }: { createdAt: number; jobId: string }): string {
  return `${new Date(createdAt).toISOString()}#${jobId}`;
}

/** Returns the job at this position. */
export function jobAt(time: string): { createdAt: number; jobId: string } {
  const [at = '', jobId = ''] = time.split('#');
  return { createdAt: Date.parse(at), jobId };
}

/** Returns the cursor that continues a list after the job at this position. */
export function cursorAfter(time: string): string {
  return Buffer.from(time).toString('base64url');
}

/**
 * Returns the position of the job before a cursor. Errors: TerminalError if `cursorAfter` did not return the cursor.
 */
export function timeIn(cursor: string): string {
  const time = Buffer.from(cursor, 'base64url').toString();
  if (/^[-+\d]+T[\d:.]+Z#\w+$/.test(time)) return time;
  throw new TerminalError(
    'invalid_cursor',
    `'${cursor}' is not a cursor; use the cursor of the previous page`,
  );
}

/** Returns a job id's key in the index of job ids: its first characters. */
export function idPrefixOf(jobId: string): string {
  return jobId.slice(0, ID_PREFIX_LENGTH);
}

/** Returns the job or part that a key belongs to; undefined for any other item. */
export function dueItemAt(key: LedgerKey): DueItem | undefined {
  if (!key.pk.startsWith('JOB#')) return undefined;
  const jobId = key.pk.slice('JOB#'.length);
  if (key.sk === 'META') return { kind: 'job', jobId };
  const [label, planId, number, ...rest] = key.sk.split('#');
  if (label !== 'PART' || planId === undefined || number === undefined || rest.length > 0) return undefined;
  return { kind: 'part', jobId, planId, number: Number(number) };
}
