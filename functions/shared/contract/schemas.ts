import { APPROVAL_FIELDS, CANCEL_FORMS, ENVELOPE_FIELDS, JOB_ID, METADATA_FIELDS } from './event-fields.ts';
import {
  APPROVAL_EVENTS,
  BATCH_EVENTS,
  CANCEL_EVENTS,
  type EventKind,
  JOB_EVENTS,
  STALL_EVENTS,
  type StatusRow,
} from './event-kinds.ts';
import { DRAFT, type JsonFields, type JsonSchema, objectOf } from './json-schema.ts';

/**
 * An `OpenAI Batch Status Change`, as the target of a rule receives it. The status may be one that OpenAI adds later.
 * @example console.log(JSON.stringify(batchStatusChangeSchema, null, 2));
 */
export const batchStatusChangeSchema: JsonSchema = schemaOf(
  BATCH_EVENTS,
  objectOf({ ...METADATA_FIELDS, jobId: JOB_ID }),
);

/**
 * An `OpenAI Batch Job Status Change`, as the target of a rule receives it.
 * @example console.log(JSON.stringify(jobStatusChangeSchema, null, 2));
 */
export const jobStatusChangeSchema: JsonSchema = schemaOf(
  JOB_EVENTS,
  objectOf({ ...METADATA_FIELDS, jobId: JOB_ID }),
);

/**
 * An `OpenAI Batch Cancel Outcome`, as the target of a rule receives it.
 * @example console.log(JSON.stringify(cancelOutcomeSchema, null, 2));
 */
export const cancelOutcomeSchema: JsonSchema = schemaOf(
  CANCEL_EVENTS,
  objectOf(METADATA_FIELDS, { jobId: JOB_ID }),
);

/**
 * An `OpenAI Batch Approval Outcome`, as the target of a rule receives it.
 * @example console.log(JSON.stringify(approvalOutcomeSchema, null, 2));
 */
export const approvalOutcomeSchema: JsonSchema = schemaOf(
  APPROVAL_EVENTS,
  objectOf(METADATA_FIELDS, { jobId: JOB_ID }),
);

/**
 * An `OpenAI Batch Job Stalled`, as the target of a rule receives it.
 * @example console.log(JSON.stringify(jobStalledSchema, null, 2));
 */
export const jobStalledSchema: JsonSchema = schemaOf(
  STALL_EVENTS,
  objectOf({ ...METADATA_FIELDS, jobId: JOB_ID }),
);

/**
 * A message on the cancel queue. A key has at most 1,024 bytes, but JSON Schema can only limit characters.
 * @example console.log(JSON.stringify(cancelRequestSchema, null, 2));
 */
export const cancelRequestSchema: JsonSchema = {
  $schema: DRAFT,
  title: 'Batchdrop cancel request',
  oneOf: CANCEL_FORMS.map((form) => ({ ...objectOf(form), additionalProperties: false })),
};

/**
 * A message on the approval queue.
 * @example console.log(JSON.stringify(approvalRequestSchema, null, 2));
 */
export const approvalRequestSchema: JsonSchema = {
  $schema: DRAFT,
  title: 'Batchdrop approval request',
  ...objectOf(APPROVAL_FIELDS),
  additionalProperties: false,
};

/** Returns the schema of a whole event. `$defs.detail` is the schema of its detail alone. */
function schemaOf(kind: EventKind, metadata: JsonSchema): JsonSchema {
  const envelope: JsonFields = {
    ...ENVELOPE_FIELDS,
    'detail-type': { const: kind.detailType },
    detail: { $ref: '#/$defs/detail' },
  };
  return {
    $schema: DRAFT,
    title: kind.detailType,
    ...objectOf(envelope),
    $defs: { detail: objectOf({ metadata, data: dataSchema(kind) }) },
  };
}

function dataSchema(kind: EventKind): JsonSchema {
  return {
    type: 'object',
    properties: kind.fields,
    required: kind.always,
    oneOf: branchesOf(kind),
  };
}

/** Returns the rules for single statuses; statuses with the same fields share one. */
function branchesOf(kind: EventKind): JsonSchema[] {
  const alike = Map.groupBy(kind.statuses, (row) =>
    JSON.stringify([row.has, row.mayHave, row.previous, alwaysNull(kind, row)]),
  );
  return [...alike.values()].map((rows) => {
    const [row] = rows as [StatusRow];
    const statuses = rows.map(({ status }) => status);
    const others = kind.statuses.map(({ status }) => status).filter((status) => !statuses.includes(status));
    const isForOthers = kind.hasOtherStatuses && row.has.length === 0;
    return {
      properties: {
        [kind.statusField]: isForOthers ? noneOf(others) : { enum: statuses },
        ...(row.previous && { previousStatus: { enum: row.previous } }),
        ...nullsOf(kind, row),
        ...absentIn(kind, row),
      },
      required: row.has,
    };
  });
}

function noneOf(statuses: readonly string[]): JsonSchema {
  return statuses.length === 0 ? {} : { not: { enum: statuses } };
}

function nullsOf(kind: EventKind, row: StatusRow): JsonFields {
  const inSome = new Set(kind.statuses.flatMap((each) => alwaysNull(kind, each)));
  const nulls = alwaysNull(kind, row);
  return Object.fromEntries(
    [...inSome].map((name) => [name, nulls.includes(name) ? { type: 'null' } : { not: { type: 'null' } }]),
  );
}

function alwaysNull({ reportedByApi }: EventKind, { nulls }: StatusRow): string[] {
  return nulls.filter((name) => !reportedByApi.includes(name));
}

/** Returns the fields that must be absent, with the schema `{ not: {} }`, which nothing matches. */
function absentIn(
  { fields, always, inAnyStatus = [] }: EventKind,
  { has, mayHave }: StatusRow,
): Record<string, JsonSchema> {
  const present = new Set([...always, ...inAnyStatus, ...has, ...mayHave.map(({ name }) => name)]);
  const absent = Object.keys(fields).filter((name) => !present.has(name));
  return Object.fromEntries(absent.map((name) => [name, { not: {} }]));
}
