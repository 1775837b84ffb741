import { DETAIL_TYPE, EVENT_VERSION, LISTED_AT_MOST } from './events.ts';
import { ENDPOINTS } from './request-file.ts';

/** A JSON Schema of draft 2020-12. Objects are open: fields may be added, none is taken away. */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
}

const DRAFT = 'https://json-schema.org/draft/2020-12/schema';

const text: JsonSchema = { type: 'string', minLength: 1 };
const anyText: JsonSchema = { type: 'string' };
const count: JsonSchema = { type: 'integer', minimum: 0 };
const fromOne: JsonSchema = { type: 'integer', minimum: 1 };
const moment: JsonSchema = { type: 'string', format: 'date-time' };
const jobId: JsonSchema = { type: 'string', pattern: '^[a-z2-7]{26}$' };
const pairs: JsonSchema = { type: 'object', additionalProperties: anyText };

function fields(required: Record<string, unknown>, optional: Record<string, unknown> = {}): JsonSchema {
  return {
    type: 'object',
    properties: { ...required, ...optional },
    required: Object.keys(required),
  };
}

function orNull(schema: JsonSchema): JsonSchema {
  return { anyOf: [schema, { type: 'null' }] };
}

function excerpt(entry: JsonSchema): JsonSchema {
  return fields({ count, first: { type: 'array', items: entry, maxItems: LISTED_AT_MOST } });
}

const metadata = {
  id: text,
  version: { const: EVENT_VERSION },
  sequence: fromOne,
  occurredAt: moment,
};
const ofJob = fields({ ...metadata, jobId });
const fileVersion = { bucket: text, key: text, versionId: text };
const usage = fields({
  inputTokens: count,
  cachedInputTokens: count,
  outputTokens: count,
  reasoningTokens: count,
  totalTokens: count,
});
const reason = fields({ code: text, message: text });
const batchError = fields({
  code: orNull(anyText),
  message: orNull(anyText),
  param: orNull(anyText),
  line: orNull({ type: 'integer' }),
});

/** `detail` of an `OpenAI Batch Status Change`. A status may be one that OpenAI adds later. */
export const batchStatusChangeSchema: JsonSchema = {
  $schema: DRAFT,
  title: DETAIL_TYPE.batchStatusChange,
  ...fields({
    metadata: ofJob,
    data: {
      ...fields(
        {
          batchId: text,
          status: text,
          previousStatus: orNull(text),
          request: fields(fileVersion),
          part: fromOne,
          parts: fromOne,
          attempt: fromOne,
          endpoint: { enum: ENDPOINTS },
          model: text,
          rows: fromOne,
          counts: orNull(fields({ total: count, completed: count, failed: count })),
          usage: orNull(usage),
          inputFileId: anyText,
          outputFileId: orNull(text),
          errorFileId: orNull(text),
          createdAt: moment,
          expiresAt: orNull(moment),
          endedAt: orNull(moment),
          metadata: pairs,
        },
        {
          errors: excerpt(batchError),
          willRetry: { type: 'boolean' },
          waiting: fields({ for: { const: 'token_limit' }, position: orNull(fromOne), until: moment }),
        },
      ),
      if: { properties: { status: { const: 'failed' } } },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema; nobody awaits a schema
      then: { required: ['errors', 'willRetry'] },
      else: { properties: { errors: false, willRetry: false, waiting: false } },
    },
  }),
};

const ofFile = {
  request: fields({ ...fileVersion, size: count, etag: text }),
  metadata: pairs,
};
const planned = { rows: fromOne, parts: fromOne };
const ended = {
  ...ofFile,
  previousStatus: { enum: ['accepted', 'submitted', null] },
  rows: fields({
    total: count,
    succeeded: count,
    failed: count,
    expired: count,
    cancelled: count,
    missing: count,
  }),
  usage: orNull(usage),
  batches: excerpt(fields({ batchId: text, status: text })),
};
const results = fields({ bucket: text, output: text, errors: text, summary: text });
const finding = fields({ line: orNull(fromOne), code: text, message: text });

/** `detail` of an `OpenAI Batch Job Status Change`: a union by `data.status`. */
export const jobStatusChangeSchema: JsonSchema = {
  $schema: DRAFT,
  title: DETAIL_TYPE.jobStatusChange,
  ...fields({
    metadata: ofJob,
    data: {
      oneOf: [
        fields(
          { status: { const: 'accepted' }, previousStatus: { type: 'null' }, ...ofFile, ...planned },
          { waiting: fields({ for: { enum: ['enqueued_tokens', 'open_batches'] } }) },
        ),
        fields({
          status: { const: 'submitted' },
          previousStatus: { const: 'accepted' },
          ...ofFile,
          ...planned,
        }),
        fields({
          status: { const: 'rejected' },
          previousStatus: { type: 'null' },
          ...ofFile,
          findings: excerpt(finding),
          report: fields({ bucket: text, key: text }),
        }),
        fields({
          status: { const: 'joined' },
          previousStatus: { type: 'null' },
          ...ofFile,
          joinedJobId: jobId,
        }),
        fields({ status: { enum: ['completed', 'expired'] }, ...ended, results }, { reason: false }),
        fields({ status: { enum: ['failed', 'cancelled'] }, ...ended, reason }, { results }),
      ],
    },
  }),
};

const id = { type: 'string', pattern: '^[A-Za-z0-9_-]{1,128}$' };
const cancelForms: Record<string, unknown>[] = [
  { batchId: id },
  { jobId: id },
  {
    bucket: { type: 'string', pattern: '^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$' },
    key: { type: 'string', minLength: 1, maxLength: 1024 },
  },
];

/** A message on the cancel queue. A key has at most 1,024 bytes, which JSON Schema can say of characters only. */
export const cancelRequestSchema: JsonSchema = {
  $schema: DRAFT,
  title: 'Batchdrop cancel request',
  oneOf: cancelForms.map((form) => ({ ...fields(form), additionalProperties: false })),
};

/** `detail` of an `OpenAI Batch Cancel Outcome`: only what names nothing known has no status. */
export const cancelOutcomeSchema: JsonSchema = {
  $schema: DRAFT,
  title: DETAIL_TYPE.cancelOutcome,
  ...fields({
    metadata: fields(metadata, { jobId }),
    data: {
      ...fields({ request: { anyOf: cancelForms.map((form) => fields(form)) }, message: text }),
      oneOf: [
        fields({ outcome: { enum: ['requested', 'too_late'] }, status: text }),
        fields({ outcome: { enum: ['unknown', 'remembered'] }, status: { type: 'null' } }),
      ],
    },
  }),
};
