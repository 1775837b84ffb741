/** The events and messages of Batchdrop as an AsyncAPI 3 document, from the same schemas as docs/events.md. */
import {
  APPROVAL_EVENTS,
  BATCH_EVENTS,
  CANCEL_EVENTS,
  type EventKind,
  JOB_EVENTS,
  STALL_EVENTS,
} from '../functions/shared/contract/event-kinds.ts';
import {
  approvalOutcomeExamples,
  approvalOutcomeSchema,
  approvalRequestSchema,
  batchStatusChangeSchema,
  batchStatusExamples,
  cancelOutcomeExamples,
  cancelOutcomeSchema,
  cancelRequestSchema,
  type JsonSchema,
  jobStalledExamples,
  jobStalledSchema,
  jobStatusChangeSchema,
  jobStatusExamples,
} from '../functions/shared/contract/index.ts';
import packageJson from '../package.json' with { type: 'json' };

/** A message on a channel. `id`: its key in the document. */
interface Message {
  readonly id: string;
  readonly title: string;
  readonly summary: string;
  readonly schema: JsonSchema;
  readonly examples: Readonly<Record<string, unknown>>;
}

const EVENTS: readonly Message[] = [
  published(
    BATCH_EVENTS,
    batchStatusChangeSchema,
    batchStatusExamples,
    'OpenAI changed the status of a batch.',
  ),
  published(JOB_EVENTS, jobStatusChangeSchema, jobStatusExamples, 'The status of a job changed.'),
  published(CANCEL_EVENTS, cancelOutcomeSchema, cancelOutcomeExamples, 'What became of a cancel request.'),
  published(APPROVAL_EVENTS, approvalOutcomeSchema, approvalOutcomeExamples, 'What became of an approval.'),
  published(
    STALL_EVENTS,
    jobStalledSchema,
    jobStalledExamples,
    'A part of a job starts to wait for a person.',
  ),
];

const CANCEL: Message = {
  id: 'cancelRequest',
  title: 'Cancel request',
  summary: 'Cancels a job or a batch. The outcome is an event.',
  schema: cancelRequestSchema,
  examples: { byBatch: { batchId: 'batch_abc123' }, byKey: { bucket: 'my-requests', key: 'reviews.jsonl' } },
};

const APPROVAL: Message = {
  id: 'approvalRequest',
  title: 'Approval request',
  summary: 'Approves a job that is held. The outcome is an event.',
  schema: approvalRequestSchema,
  examples: { byJob: { jobId: 'k5mhx3q2vwn7tjzr4ydaf6bcgs' } },
};

const CHANNELS = {
  eventBus: {
    title: 'Event bus',
    description:
      'The EventBridge bus of the Batchdrop: `batchdrop.eventBus` in the CDK, the output EventBus of the stack. A message is what the target of a rule receives.',
    messages: EVENTS,
  },
  cancelQueue: {
    title: 'Cancel queue',
    description:
      'The SQS queue `batchdrop.cancelQueue`, the output CancelQueueUrl of the stack. A message is the body.',
    messages: [CANCEL],
  },
  approvalQueue: {
    title: 'Approval queue',
    description:
      'The SQS queue `batchdrop.approvalQueue`, the output ApprovalQueueUrl of the stack. A message is the body.',
    messages: [APPROVAL],
  },
} as const;

/** Returns the document. Batchdrop is the application: it sends events, and receives requests. */
export function asyncApiDocument(): object {
  const channels = Object.entries(CHANNELS);
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Batchdrop',
      version: packageJson.version,
      description:
        'The events that Batchdrop publishes, and the messages that you can send to it. docs/events.md says when each is published, and what a consumer must know: an event may arrive twice, and out of order.',
      license: { name: packageJson.license },
    },
    defaultContentType: 'application/json',
    channels: Object.fromEntries(
      channels.map(([name, { title, description, messages }]) => [
        name,
        { address: null, title, description, messages: references(messages, '#/components/messages') },
      ]),
    ),
    operations: Object.fromEntries(
      channels.flatMap(([name, { messages }]) => messages.map((message) => operation(name, message))),
    ),
    components: {
      messages: Object.fromEntries(
        channels.flatMap(([, { messages }]) => messages.map((message) => [message.id, described(message)])),
      ),
    },
  };
}

function published(
  { detailType }: EventKind,
  schema: JsonSchema,
  examples: Readonly<Record<string, unknown>>,
  summary: string,
): Message {
  const id = detailType.replaceAll(' ', '');
  return { id, title: detailType, summary, schema, examples };
}

function operation(channel: string, { id, summary }: Message): [string, object] {
  const isSent = channel === 'eventBus';
  return [
    `${isSent ? 'send' : 'receive'}${id[0]?.toUpperCase()}${id.slice(1)}`,
    {
      action: isSent ? 'send' : 'receive',
      channel: { $ref: `#/channels/${channel}` },
      summary,
      messages: [{ $ref: `#/channels/${channel}/messages/${id}` }],
    },
  ];
}

function references(messages: readonly Message[], where: string): object {
  return Object.fromEntries(messages.map(({ id }) => [id, { $ref: `${where}/${id}` }]));
}

function described({ id, title, summary, schema, examples }: Message): object {
  return {
    ...{ name: id, title, summary, payload: payloadOf(schema) },
    examples: Object.entries(examples).map(([name, payload]) => ({ name, payload })),
  };
}

/** The schemas of AsyncAPI have no `$defs`: the schema of the detail takes the place of its reference. */
function payloadOf(schema: JsonSchema): JsonSchema {
  const { $schema: _, $defs, properties, ...rest } = schema;
  const { detail } = Object($defs);
  if (detail === undefined) return { ...rest, ...(properties !== undefined && { properties }) };
  return { ...rest, properties: { ...Object(properties), detail } };
}
