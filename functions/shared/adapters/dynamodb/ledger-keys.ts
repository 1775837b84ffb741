import { createHash } from 'node:crypto';
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

/** What the sort keys of all parts of a plan begin with. */
export function partsPrefix(planId: string): string {
  return `PART#${planId}#`;
}

/** Where the pointer from a batch to its part is kept. */
export function batchPointerKey(batchId: string): LedgerKey {
  return { pk: `BATCH#${batchId}`, sk: 'PTR' };
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

/** The shard of the `due` index an item belongs to, 0 to 15; always the same for the same key. */
export function dueShardOf(key: LedgerKey): number {
  return createHash('sha256').update(`${key.pk} ${key.sk}`).digest().readUInt32BE(0) % DUE_SHARDS;
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
