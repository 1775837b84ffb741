import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { WaitingPart } from '../../domain/admission-queue.ts';
import type { Job } from '../../domain/job.ts';
import type { Admissions, Control, CreateWindow, KeyPointer } from '../../domain/ledger-records.ts';
import { dueProjectionOf } from '../../domain/next-step.ts';
import type { OpenBatch } from '../../domain/open-batch.ts';
import type { Part, PartRef } from '../../domain/part.ts';
import { dueShardOf, jobKey, type LedgerKey, partKey } from './ledger-keys.ts';

/** What an item of the table holds beside its key. */
export type LedgerAttributes = Record<string, AttributeValue>;

/*
 * The whole item is the JSON text in `item`; what conditions, the index and the expiry need stands beside it as
 * attributes of its own, and so does what an operator wants to see in the console. Only `item` is ever read back, and
 * from the index `openBatch` and `waits`.
 */

/** A job as attributes. */
export function jobAttributes(job: Job): LedgerAttributes {
  return {
    ...itemAttributes(job, job.version, job.expiresAt),
    ...dueAttributes(jobKey(job.jobId), job.dueAt),
    ...plain({
      jobId: job.jobId,
      status: job.status,
      rev: job.rev,
      publishedRev: job.publishedRev,
      tries: job.tries,
      bucket: job.request.bucket,
      key: job.request.key,
      reason: job.reason?.code,
    }),
  };
}

/** A part as attributes. */
export function partAttributes(part: Part): LedgerAttributes {
  return {
    ...itemAttributes(part, part.version, part.expiresAt),
    ...dueAttributes(partKey(part), part.dueAt),
    ...seenFromTheIndex(part),
    ...plain({
      jobId: part.jobId,
      phase: part.phase,
      status: part.ended?.as ?? part.batch?.status,
      waitingFor: part.waiting?.for,
      rev: part.rev,
      publishedRev: part.publishedRev,
      tries: part.tries,
      attempt: part.attempt,
      rows: part.rows,
      batchId: part.batch?.batchId,
      intentId: part.intent?.id,
      fileId: part.intent?.fileId,
      reason: part.stalled?.code ?? part.ended?.reason.code,
    }),
  };
}

/** The pointer from a batch to its part. */
export function batchPointerAttributes(ref: PartRef, expiresAt: number): LedgerAttributes {
  const { jobId, planId, number } = ref;
  return { ...itemAttributes({ jobId, planId, number }, 1, expiresAt), ...plain({ jobId, part: number }) };
}

/** The pointer from an object key to its newest job; it stays, as a cancel may outrun its file by any time. */
export function keyPointerAttributes(pointer: KeyPointer): LedgerAttributes {
  const { bucket, key, newest, cancels } = pointer;
  return {
    ...itemAttributes(pointer, pointer.version),
    ...plain({ bucket, key, jobId: newest?.jobId, cancelledAt: cancels?.at(-1) }),
  };
}

/** The operator's switches. */
export function controlAttributes(control: Control): LedgerAttributes {
  return {
    ...itemAttributes(control, control.version),
    ...plain({ paused: control.paused, pollHolder: control.pollLease?.holder }),
  };
}

/** Who was admitted from waiting for capacity. */
export function admissionsAttributes(admissions: Admissions): LedgerAttributes {
  return {
    ...itemAttributes(admissions, admissions.version),
    ...plain({ admitted: admissions.admitted.length }),
  };
}

/** The creates of the last hour. */
export function createWindowAttributes(window: CreateWindow): LedgerAttributes {
  return itemAttributes(window, window.version);
}

/** The item behind the attributes; undefined once it has expired, which the table may take days to notice. */
export function itemIn<T>(attributes: LedgerAttributes, now: number): T | undefined {
  const expiresAt = attributes.expiresAt?.N;
  if (expiresAt !== undefined && Number(expiresAt) <= now) return undefined;
  const text = attributes.item?.S;
  if (text === undefined) throw new Error(`ledger: ${attributes.pk?.S} ${attributes.sk?.S} holds no item`);
  return JSON.parse(text) as T; // written by this adapter alone
}

/** The batch that an entry of the index says is only to be observed. */
export function openBatchIn(attributes: LedgerAttributes): OpenBatch | undefined {
  const text = attributes.openBatch?.S;
  return text === undefined ? undefined : (JSON.parse(text) as OpenBatch); // written by this adapter alone
}

/** The part that an entry of the index says only waits for capacity. */
export function waitingPartIn(attributes: LedgerAttributes): WaitingPart | undefined {
  const text = attributes.waits?.S;
  return text === undefined ? undefined : (JSON.parse(text) as WaitingPart); // written by this adapter alone
}

/** `dueShard` of the index, for example `D#07`. */
export function dueShardName(shard: number): string {
  return `D#${String(shard).padStart(2, '0')}`;
}

function itemAttributes(item: object, version: number, expiresAt?: number): LedgerAttributes {
  return {
    item: { S: JSON.stringify(item) },
    version: { N: String(version) },
    ...(expiresAt === undefined
      ? {}
      : { expiresAt: { N: String(expiresAt) }, ttl: { N: String(Math.ceil(expiresAt / 1000)) } }),
  };
}

function dueAttributes(key: LedgerKey, dueAt: number | undefined): LedgerAttributes {
  if (dueAt === undefined) return {};
  return { dueShard: { S: dueShardName(dueShardOf(key)) }, dueAt: { N: String(dueAt) } };
}

function seenFromTheIndex(part: Part): LedgerAttributes {
  const { open, waits } = dueProjectionOf(part);
  return {
    ...(open === undefined ? {} : { openBatch: { S: JSON.stringify(open) } }),
    ...(waits === undefined ? {} : { waits: { S: JSON.stringify(waits) } }),
  };
}

function plain(facts: Record<string, string | number | boolean | undefined>): LedgerAttributes {
  const attributes: LedgerAttributes = {};
  for (const [name, value] of Object.entries(facts)) {
    if (value === undefined) continue;
    if (typeof value === 'string') attributes[name] = { S: value };
    else if (typeof value === 'number') attributes[name] = { N: String(value) };
    else attributes[name] = { BOOL: value };
  }
  return attributes;
}
