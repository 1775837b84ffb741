import { hasEnded } from '../../functions/shared/contract/batch-status.ts';
import type { Job } from '../../functions/shared/domain/job.ts';
import type { OutgoingEvent } from '../../functions/shared/domain/outgoing-event.ts';
import type { KnownBatch, Part } from '../../functions/shared/domain/part.ts';

/** A fixed time in whole seconds. */
export const NOON = Date.UTC(2026, 10, 1, 12);

const DAY_MS = 86_400_000;

/** The fields that any member of a union may have. */
type Fields<T> = { [K in KeyOf<T>]?: ValueOf<T, K> };
type KeyOf<T> = T extends unknown ? keyof T : never;
type ValueOf<T, K> = T extends unknown ? (K extends keyof T ? Exclude<T[K], undefined> : never) : never;

/** Fields of a job, whatever its status. */
export type JobFields = Fields<Job>;

/** Fields of a part, whatever its phase. */
export type PartFields = Fields<Part>;

const A_PLAN = { planId: 'planplanplanplanplanplanpl', parts: 1, rows: 3, groups: 1 };
const NO_ROWS = { total: 0, succeeded: 0, failed: 0, expired: 0, cancelled: 0, missing: 0 };

/** Returns a job that was just received, or one with these fields and the other fields that its status needs. */
export function aJob(fields: JobFields = {}): Job {
  const job = {
    kind: 'job',
    jobId: 'jobjobjobjobjobjobjobjobjo',
    version: 1,
    request: {
      bucket: 'requests',
      key: 'evening/requests ü.jsonl',
      versionId: 'v1',
      size: 1200,
      etag: 'd41d8cd98f00b204e9800998ecf8427e',
      lastModified: NOON,
      metadata: { team: 'search' },
      instructions: {},
    },
    status: 'received',
    previousStatus: null,
    rev: 0,
    publishedRev: 0,
    createdAt: NOON,
    changedAt: NOON,
    history: [],
    tries: 0,
    expiresAt: NOON + 90 * DAY_MS,
    ...neededByStatus(fields),
    ...fields,
  };
  return job as Job; // the fields that a test passes fit the status
}

function neededByStatus({ status, plan }: JobFields): JobFields {
  switch (status) {
    case 'unapproved':
      return { plan: A_PLAN, hold: { reason: { code: 'c', message: 'm' }, until: NOON + DAY_MS } };
    case 'accepted':
    case 'submitted':
      return { plan: A_PLAN };
    case 'completed':
    case 'expired':
      return { plan: A_PLAN, rows: NO_ROWS, batches: { count: 0, first: [] } };
    case 'failed':
    case 'cancelled': {
      const reason = { code: 'c', message: 'm' };
      return plan ? { reason, rows: NO_ROWS, batches: { count: 0, first: [] } } : { reason };
    }
    case 'rejected':
      return { findings: { count: 0, first: [] } };
    case 'joined':
      return { joinedJobId: 'otherjobotherjobotherjobot' };
    default:
      return {};
  }
}

/**
 * Returns a part that INTAKE has just written, or one with these fields. Its phase follows from them, unless it is
 * given.
 */
export function aPart(fields: PartFields = {}): Part {
  const part = {
    kind: 'part',
    jobId: 'jobjobjobjobjobjobjobjobjo',
    planId: 'planplanplanplanplanplanpl',
    number: 1,
    parts: 1,
    jobCreatedAt: NOON,
    version: 1,
    request: { bucket: 'requests', key: 'evening/requests ü.jsonl', versionId: 'v1' },
    metadata: { team: 'search' },
    range: { start: 0, end: 1200 },
    rows: 3,
    uploadBytes: 1190,
    endpoint: '/v1/chat/completions',
    model: 'gpt-4o-mini',
    phase: phaseFrom(fields),
    attempt: 1,
    abandoned: [],
    ran: [],
    earlierBatchIds: [],
    previousStatus: null,
    rev: 0,
    publishedRev: 0,
    changedAt: NOON,
    tries: 0,
    tokenLimitRejections: 0,
    secondBatchIds: [],
    expiresAt: NOON + 90 * DAY_MS,
    ...(fields.batch ? { intent: { id: 'i', at: NOON, fileId: 'file-1', sendBy: NOON } } : {}),
    ...fields,
  };
  return part as Part; // the fields that a test passes fit the phase
}

function phaseFrom({ delivered, ended, batch, intent, waiting }: PartFields): Part['phase'] {
  if (delivered) return 'delivered';
  if (ended) return 'ended';
  if (batch) return hasEnded(batch.status) ? (waiting ? 'requeued' : 'batch_ended') : 'running';
  if (intent && 'sendBy' in intent) return 'creating';
  if (intent) return intent.fileId === undefined ? 'uploading' : 'uploaded';
  return waiting ? 'waiting' : 'planned';
}

/** The stored facts of a delivery of three rows that succeeded. */
export const DELIVERED = {
  deliveryId: 'd',
  idsIn: '0',
  idsOut: '0',
  rows: { total: 3, succeeded: 3, failed: 0, expired: 0, cancelled: 0, missing: 0 },
  outputBytes: 1,
  errorsBytes: 0,
  anomaliesBytes: 0,
  anomalies: 0,
};

/** Returns a batch as it is right after its creation. */
export function aBatch(differences: Partial<KnownBatch> = {}): KnownBatch {
  return {
    batchId: 'batch_1',
    status: 'validating',
    endpoint: '/v1/chat/completions',
    inputFileId: 'file-1',
    createdAt: NOON,
    errors: [],
    errorCount: 0,
    metadata: {},
    ...differences,
  };
}

/** An event with the given id. */
export function anEvent(id: string, message = 'It had ended.'): OutgoingEvent {
  return {
    detailType: 'OpenAI Batch Cancel Outcome',
    detail: {
      metadata: {
        id,
        version: 1,
        sequence: 1,
        occurredAt: new Date(NOON).toISOString(),
        instance: 'Example.Batchdrop',
      },
      data: {
        ...{ request: { batchId: 'batch_1' }, outcome: 'too_late', status: 'completed', message },
        requestFile: { bucket: 'requests', key: 'ü 1.jsonl', versionId: 'v1' },
      },
    },
  };
}
