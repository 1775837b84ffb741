import type { Job } from '../../functions/shared/domain/job.ts';
import type { OutgoingEvent } from '../../functions/shared/domain/outgoing-event.ts';
import type { ObservedBatch, Part } from '../../functions/shared/domain/part.ts';

/** A time to count from: whole seconds. */
export const NOON = Date.UTC(2026, 10, 1, 12);

const DAY_MS = 86_400_000;

/** A job that has just been seen. */
export function aJob(differences: Partial<Job> = {}): Job {
  return {
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
    tries: 0,
    expiresAt: NOON + 90 * DAY_MS,
    ...differences,
  };
}

/** A part that waits to be submitted. */
export function aPart(differences: Partial<Part> = {}): Part {
  return {
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
    ...differences,
  };
}

/** A batch as it looks right after it was created. */
export function aBatch(differences: Partial<ObservedBatch> = {}): ObservedBatch {
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
