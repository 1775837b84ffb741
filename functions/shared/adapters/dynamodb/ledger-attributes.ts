import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { Reason } from '../../contract/events.ts';
import type { Job } from '../../domain/job.ts';
import { type JobSummary, summaryOf } from '../../domain/job-summary.ts';
import {
  type Admissions,
  type Control,
  type CreateWindow,
  type Delay,
  delayOf,
  type KeyPointer,
  stalledReasonOf,
} from '../../domain/ledger-records.ts';
import { dueProjectionOf } from '../../domain/next-step.ts';
import type { OpenBatch } from '../../domain/open-batch.ts';
import type { Part, PartRef } from '../../domain/part.ts';
import type { PastAttempts } from '../../domain/spending/past-attempts.ts';
import type { WaitingPart } from '../../domain/waiting/admission-queue.ts';
import type { Callback } from '../../domain/workflows/callback.ts';
import {
  dueShardOf,
  idPrefixOf,
  jobAt,
  jobKey,
  jobShardOf,
  jobTime,
  type LedgerKey,
  partKey,
} from './ledger-keys.ts';

/** The attributes of a table item besides its key. */
export type LedgerAttributes = Record<string, AttributeValue>;

/*
 * The attribute `item` contains the whole item as JSON. Other attributes repeat what conditions, indexes and the expiry
 * need, and what operators want to see in the console. Only `item` is read back, and from the indexes `openBatch`,
 * `waits`, `stalled` and `summary`.
 */

/** A job as attributes. */
export function jobAttributes(job: Job): LedgerAttributes {
  const { jobId, createdAt, ...summary } = summaryOf(job); // `jobTime` contains these two
  return {
    ...itemAttributes(job, job.version, job.expiresAt),
    ...dueAttributes(jobKey(jobId), job.dueAt),
    ...stalledAttributes(job),
    ...plain({
      status: job.status,
      tries: job.tries,
      jobShard: jobShardName(jobShardOf(jobId)),
      jobTime: jobTime({ createdAt, jobId }),
      jobIdPrefix: idPrefixOf(jobId),
    }),
    summary: attributeOf(summary),
  };
}

/** A part as attributes. */
export function partAttributes(part: Part): LedgerAttributes {
  return {
    ...itemAttributes(part, part.version, part.expiresAt),
    ...dueAttributes(partKey(part), part.dueAt),
    ...stalledAttributes(part),
    ...seenFromTheIndex(part),
    ...plain({
      jobId: part.jobId,
      phase: part.phase,
      status: part.ended?.as ?? part.batch?.status,
      waitingFor: part.waiting?.for ?? part.obstacle?.for,
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

/** A page of a part's earlier attempts. */
export function pastAttributes(past: PastAttempts): LedgerAttributes {
  const { jobId, number, page, version, expiresAt } = past;
  return { ...itemAttributes(past, version, expiresAt), ...plain({ jobId, part: number, page }) };
}

/** The pointer from a batch to its part. */
export function batchPointerAttributes(ref: PartRef, expiresAt?: number): LedgerAttributes {
  const { jobId, planId, number } = ref;
  return { ...itemAttributes({ jobId, planId, number }, 1, expiresAt), ...plain({ jobId, part: number }) };
}

/** The note that a webhook reported the end of a batch before any part had the batch. */
export function earlyEndAttributes(at: number, expiresAt: number): LedgerAttributes {
  return itemAttributes({ at }, 1, expiresAt);
}

/** A task that waits for a job, or the note that it follows one. */
export function callbackAttributes(callback: Callback): LedgerAttributes {
  return itemAttributes(callback, 1, callback.expiresAt);
}

/** When the last genuine webhook was received. */
export function lastWebhookAttributes(at: number): LedgerAttributes {
  return itemAttributes({ at }, 1);
}

/**
 * The pointer from an object key to its newest job. It never expires, because a cancel may arrive any time before its
 * file.
 */
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

/** The parts that POLL has admitted. */
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

/** Returns the item in the attributes. Undefined if it has expired, because DynamoDB may delete it days later. */
export function itemIn<T>(attributes: LedgerAttributes, now: number): T | undefined {
  const expiresAt = attributes.expiresAt?.N;
  if (expiresAt !== undefined && Number(expiresAt) <= now) return undefined;
  const text = attributes.item?.S;
  if (text === undefined) throw new Error(`ledger: ${attributes.pk?.S} ${attributes.sk?.S} contains no item`);
  return JSON.parse(text) as T; // only this adapter writes it
}

/** Returns the batch of an index entry whose part only has to be observed. */
export function openBatchIn(attributes: LedgerAttributes): OpenBatch | undefined {
  const text = attributes.openBatch?.S;
  return text === undefined ? undefined : (JSON.parse(text) as OpenBatch); // only this adapter writes it
}

/** Returns the part of an index entry that only waits for capacity. */
export function waitingPartIn(attributes: LedgerAttributes): WaitingPart | undefined {
  const text = attributes.waits?.S;
  return text === undefined ? undefined : (JSON.parse(text) as WaitingPart); // only this adapter writes it
}

/** Returns why the item of an index entry is stalled, or why it is delayed. */
export function stalledIn(attributes: LedgerAttributes): { reason: Reason } | { delayed: Delay } | undefined {
  const text = attributes.stalled?.S;
  if (text === undefined) return undefined;
  const known = JSON.parse(text) as Reason | { delayed: Delay }; // only this adapter writes it
  return 'delayed' in known ? known : { reason: known };
}

/** Returns the job of an index entry; undefined if it has expired. */
export function summaryIn(attributes: LedgerAttributes, now: number): JobSummary | undefined {
  const { summary, jobTime: time } = attributes;
  if (summary === undefined || time?.S === undefined)
    throw new Error(`ledger: ${attributes.pk?.S} ${attributes.sk?.S} has no summary`);
  const job = { ...jobAt(time.S), ...Object(valueIn(summary)) } as JobSummary; // only this adapter writes it
  return job.expiresAt !== undefined && job.expiresAt <= now ? undefined : job;
}

/** `jobShard` of the index of jobs by time, for example `J#3`. */
export function jobShardName(shard: number): string {
  return `J#${shard}`;
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

function stalledAttributes(item: Job | Part): LedgerAttributes {
  const reason = stalledReasonOf(item);
  if (reason) return { stalled: { S: JSON.stringify(reason) } };
  // In the same attribute, because the index has no other one for it.
  const delayed = delayOf(item);
  return delayed === undefined ? {} : { stalled: { S: JSON.stringify({ delayed }) } };
}

function seenFromTheIndex(part: Part): LedgerAttributes {
  const { open, waits } = dueProjectionOf(part);
  return {
    ...(open === undefined ? {} : { openBatch: { S: JSON.stringify(open) } }),
    ...(waits === undefined ? {} : { waits: { S: JSON.stringify(waits) } }),
  };
}

function plain(facts: Record<string, string | number | boolean | object | undefined>): LedgerAttributes {
  const attributes: LedgerAttributes = {};
  for (const [name, value] of Object.entries(facts))
    if (value !== undefined) attributes[name] = attributeOf(value);
  return attributes;
}

function attributeOf(value: string | number | boolean | object | null): AttributeValue {
  if (value === null) return { NULL: true };
  if (typeof value === 'string') return { S: value };
  if (typeof value === 'number') return { N: String(value) };
  if (typeof value === 'boolean') return { BOOL: value };
  if (Array.isArray(value)) return { L: value.map(attributeOf) };
  return { M: plain({ ...value }) };
}

/** Returns the value that `attributeOf` turned into this attribute. */
function valueIn(attribute: AttributeValue): unknown {
  const { S, N, BOOL, L, M, NULL } = attribute;
  if (NULL) return null;
  if (L !== undefined) return L.map(valueIn);
  if (M === undefined) return S ?? (N === undefined ? BOOL : Number(N));
  return Object.fromEntries(Object.entries(M).map(([name, value]) => [name, valueIn(value)]));
}
