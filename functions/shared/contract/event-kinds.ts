/**
 * Lists the fields of each kind of event by status, and when it is published. The schemas and docs/events.md are
 * generated from this table.
 */
import {
  APPROVAL_OUTCOME_FIELDS,
  BATCH_FIELDS,
  CANCEL_FIELDS,
  JOB_FIELDS,
  STALL_FIELDS,
} from './event-fields.ts';
import { DETAIL_TYPE } from './events.ts';
import type { JsonFields } from './json-schema.ts';

/** A field that an event with this status has only under a condition. */
export interface ConditionalField {
  readonly name: string;
  /** The condition, as the end of a sentence. */
  readonly when: string;
}

/** One status or outcome of a kind of event. All names are fields of `data`. */
export interface StatusRow {
  readonly status: string;
  /** When its event is published. */
  readonly published: string;
  /** The possible values of `previousStatus`; any value if omitted. */
  readonly previous?: readonly (string | null)[];
  /** The fields that it has in addition to those of every event of its kind. */
  readonly has: readonly string[];
  /** The fields that it has under a condition. */
  readonly mayHave: readonly ConditionalField[];
  /**
   * The fields that are null in this status. A field that the API reports is usually null; another one is always null,
   * and only in this status.
   */
  readonly nulls: readonly string[];
}

/** A kind of event. */
export interface EventKind {
  readonly detailType: string;
  readonly title: string;
  /** The field of `data` that contains the status. */
  readonly statusField: 'status' | 'outcome' | 'cause';
  /** Other statuses can occur. Their events have only the fields of every event. */
  readonly hasOtherStatuses: boolean;
  readonly fields: JsonFields;
  /** The fields of every event of the kind. All other fields depend on the status. */
  readonly always: readonly string[];
  /** The fields that an event of the kind may have, whatever its status. */
  readonly inAnyStatus?: readonly string[];
  /** The fields that are null until the API reports a value. */
  readonly reportedByApi: readonly string[];
  readonly statuses: readonly StatusRow[];
}

const NO_CONDITIONS: readonly ConditionalField[] = [];
const UNTIL_END = ['usage', 'outputFileId', 'errorFileId', 'endedAt'];
const RETRY_WAITS = { name: 'waiting', when: '`willRetry` is true and the part has to wait' };

export const BATCH_EVENTS: EventKind = {
  detailType: DETAIL_TYPE.batchStatusChange,
  title: 'Batch status change',
  statusField: 'status',
  hasOtherStatuses: true,
  fields: BATCH_FIELDS,
  always: Object.keys(BATCH_FIELDS).filter((name) => !['errors', 'willRetry', 'waiting'].includes(name)),
  reportedByApi: ['requestCounts', 'usage', 'outputFileId', 'errorFileId', 'expiresAt', 'endedAt'],
  statuses: [
    {
      status: 'validating',
      published: 'The batch was created.',
      has: [],
      mayHave: NO_CONDITIONS,
      nulls: ['requestCounts', ...UNTIL_END],
    },
    {
      status: 'failed',
      published: 'The API rejected the batch: none of its rows ran.',
      has: ['errors', 'willRetry'],
      mayHave: [RETRY_WAITS],
      nulls: ['usage', 'outputFileId', 'errorFileId'],
    },
    {
      status: 'in_progress',
      published: 'The API runs the rows.',
      has: [],
      mayHave: NO_CONDITIONS,
      nulls: UNTIL_END,
    },
    {
      status: 'finalizing',
      published: 'The API prepares the results.',
      has: [],
      mayHave: NO_CONDITIONS,
      nulls: UNTIL_END,
    },
    {
      status: 'completed',
      published: 'The API has the results. They are not in the results bucket yet.',
      has: [],
      mayHave: NO_CONDITIONS,
      nulls: [],
    },
    {
      status: 'expired',
      published: 'The completion window has ended. Rows that ran have results.',
      has: [],
      mayHave: NO_CONDITIONS,
      nulls: [],
    },
    {
      status: 'cancelling',
      published: 'The API is cancelling the batch.',
      has: [],
      mayHave: NO_CONDITIONS,
      nulls: UNTIL_END,
    },
    {
      status: 'cancelled',
      published: 'The batch is cancelled. Rows that ran have results.',
      has: [],
      mayHave: NO_CONDITIONS,
      nulls: [],
    },
  ],
};

const PLAN = ['plannedRows', 'plannedParts'];
const ENDED = ['rows', 'usage', 'cost', 'batches'];
const IF_PLANNED = [{ name: 'results', when: 'the request file was accepted before' }];
const IF_ESTIMATED = { name: 'estimate', when: 'version 0.2 or later read the file' };
const IF_NONE_SUCCEEDED = [{ name: 'reason', when: 'no row succeeded' }];

export const JOB_EVENTS: EventKind = {
  detailType: DETAIL_TYPE.jobStatusChange,
  title: 'Job status change',
  statusField: 'status',
  hasOtherStatuses: false,
  fields: JOB_FIELDS,
  always: ['status', 'previousStatus', 'requestFile', 'metadata'],
  inAnyStatus: ['retryOf'],
  reportedByApi: ['usage'],
  statuses: [
    {
      status: 'unapproved',
      published:
        'The request file is valid. It is held: nothing is sent before somebody approves the job (docs/operations.md, "Approve jobs").',
      previous: [null],
      has: [...PLAN, 'reason', 'approveBy'],
      mayHave: [IF_ESTIMATED],
      nulls: [],
    },
    {
      status: 'accepted',
      published: 'The request file is valid. Nothing has been sent yet.',
      previous: ['unapproved', null],
      has: PLAN,
      mayHave: [
        IF_ESTIMATED,
        {
          name: 'waiting',
          when: 'its batches have to wait: for capacity, or because nothing can be sent at present',
        },
      ],
      nulls: [],
    },
    {
      status: 'rejected',
      published: 'The request file is not valid. Nothing was sent. This is the last status.',
      previous: [null],
      has: ['findings', 'report'],
      mayHave: NO_CONDITIONS,
      nulls: [],
    },
    {
      status: 'joined',
      published:
        'An earlier job of the same key has the same bytes. It is still open, or it ended within the last 24 hours and does not have to run again. This is the last status.',
      previous: [null],
      has: ['joinedJobId'],
      mayHave: [
        { name: 'unsuccessfulRows', when: 'the joined job has ended and some of its rows did not succeed' },
        { name: 'message', when: 'the event has `unsuccessfulRows`' },
      ],
      nulls: [],
    },
    {
      status: 'submitted',
      published: 'The first batch of the job exists.',
      previous: ['accepted'],
      has: PLAN,
      mayHave: NO_CONDITIONS,
      nulls: [],
    },
    {
      status: 'completed',
      published:
        'Every row has ended, and the results are in the results bucket. Rows may have failed: read `rows`.',
      previous: ['submitted'],
      has: [...ENDED, 'results'],
      mayHave: IF_NONE_SUCCEEDED,
      nulls: [],
    },
    {
      status: 'failed',
      published: 'No batch of the job ran.',
      previous: ['accepted', 'submitted', null],
      has: [...ENDED, 'reason'],
      mayHave: IF_PLANNED,
      nulls: ['usage'],
    },
    {
      status: 'expired',
      published:
        'Rows expired in their last attempt. The results of the rows that ran are in the results bucket.',
      previous: ['submitted'],
      has: [...ENDED, 'results'],
      mayHave: NO_CONDITIONS,
      nulls: [],
    },
    {
      status: 'cancelled',
      published:
        'A cancel took effect, or nobody approved the job in time. The results of the rows that ran are in the results bucket.',
      previous: ['unapproved', 'accepted', 'submitted', null],
      has: [...ENDED, 'reason'],
      mayHave: IF_PLANNED,
      nulls: [],
    },
  ],
};

export const CANCEL_EVENTS: EventKind = {
  detailType: DETAIL_TYPE.cancelOutcome,
  title: 'Cancel outcome',
  statusField: 'outcome',
  hasOtherStatuses: false,
  fields: CANCEL_FIELDS,
  always: ['request', 'outcome', 'status', 'message'],
  reportedByApi: [],
  statuses: [
    {
      status: 'requested',
      published: 'The cancel is recorded. Later status changes show its effect.',
      has: ['requestFile'],
      mayHave: NO_CONDITIONS,
      nulls: [],
    },
    {
      status: 'too_late',
      published: 'The batch or job had ended before.',
      has: ['requestFile'],
      mayHave: NO_CONDITIONS,
      nulls: [],
    },
    {
      status: 'unknown',
      published: 'There is no such batch or job.',
      has: [],
      mayHave: NO_CONDITIONS,
      nulls: ['status'],
    },
    {
      status: 'remembered',
      published:
        'There is no such request file yet. If it was uploaded before the cancel request was sent, Batchdrop cancels it when its S3 event arrives.',
      has: [],
      mayHave: NO_CONDITIONS,
      nulls: ['status'],
    },
  ],
};

export const APPROVAL_EVENTS: EventKind = {
  detailType: DETAIL_TYPE.approvalOutcome,
  title: 'Approval outcome',
  statusField: 'outcome',
  hasOtherStatuses: false,
  fields: APPROVAL_OUTCOME_FIELDS,
  always: ['request', 'outcome', 'status', 'message'],
  reportedByApi: [],
  statuses: [
    {
      status: 'approved',
      published: 'The approval is recorded, now or before. Later status changes show its effect.',
      has: ['requestFile'],
      mayHave: NO_CONDITIONS,
      nulls: [],
    },
    {
      status: 'too_late',
      published: 'The job has ended, or is being cancelled. A job that joined another one has ended, too.',
      has: ['requestFile'],
      mayHave: NO_CONDITIONS,
      nulls: [],
    },
    {
      status: 'unknown',
      published: 'There is no such job.',
      has: [],
      mayHave: NO_CONDITIONS,
      nulls: ['status'],
    },
  ],
};

export const STALL_EVENTS: EventKind = {
  detailType: DETAIL_TYPE.jobStalled,
  title: 'Job stalled',
  statusField: 'cause',
  hasOtherStatuses: true,
  fields: STALL_FIELDS,
  always: Object.keys(STALL_FIELDS),
  reportedByApi: [],
  statuses: [
    {
      status: 'create_uncertain',
      published:
        'Two creates of a part have no known outcome. Batchdrop sends nothing more for the part until you release or cancel the job.',
      has: [],
      mayHave: NO_CONDITIONS,
      nulls: [],
    },
    {
      status: 'upload_lost',
      published:
        'The API has lost the uploaded file of a part several times. Batchdrop uploads nothing more for the part until you release or cancel the job.',
      has: [],
      mayHave: NO_CONDITIONS,
      nulls: [],
    },
  ],
};

/** Every kind of event. */
export const EVENT_KINDS: readonly EventKind[] = [
  BATCH_EVENTS,
  JOB_EVENTS,
  CANCEL_EVENTS,
  APPROVAL_EVENTS,
  STALL_EVENTS,
];
