/**
 * Writes docs/events.md and docs/events.asyncapi.json from the contract's table of statuses, fields and examples: `npm run
 * docs:events`. A test compares both with the output.
 */
import { writeFileSync } from 'node:fs';
import { ENVELOPE_FIELDS, JOB_ID, METADATA_FIELDS } from '../functions/shared/contract/event-fields.ts';
import {
  APPROVAL_EVENTS,
  BATCH_EVENTS,
  CANCEL_EVENTS,
  type EventKind,
  JOB_EVENTS,
  STALL_EVENTS,
  type StatusRow,
} from '../functions/shared/contract/event-kinds.ts';
import {
  approvalOutcomeExamples,
  batchStatusExamples,
  cancelOutcomeExamples,
  type JsonSchema,
  jobStalledExamples,
  jobStatusExamples,
} from '../functions/shared/contract/index.ts';
import { SCHEMA_FILES } from '../functions/shared/contract/schema-files.ts';
import { asyncApiDocument } from './async-api.ts';

const PAGE = new URL('events.md', import.meta.url);
const DOCUMENT = new URL('events.asyncapi.json', import.meta.url);

const HEAD = `# Events

Batchdrop publishes five kinds of event on its bus.

| event | \`detail-type\` | published |
| --- | --- | --- |
| [Batch status change](#batch-status-change) | \`OpenAI Batch Status Change\` | each time OpenAI changes the status of a batch |
| [Job status change](#job-status-change) | \`OpenAI Batch Job Status Change\` | each time the status of a job changes. A job is one version of one request file |
| [Cancel outcome](#cancel-outcome) | \`OpenAI Batch Cancel Outcome\` | once for each cancel request |
| [Approval outcome](#approval-outcome) | \`OpenAI Batch Approval Outcome\` | once for each approval |
| [Job stalled](#job-stalled) | \`OpenAI Batch Job Stalled\` | each time a part of a job starts to wait for a person |

What every consumer must know:

- **Duplicates.** You may receive an event twice. Both copies have the same \`detail.metadata.id\`.
- **Order.** EventBridge does not keep the order. \`detail.metadata.sequence\` rises by one with each change of a batch or job.
  Ignore an event whose sequence is not higher than the last one that you processed for that batch or job.
  This applies only to status changes: for the other kinds of event, use \`detail.metadata.id\`.
- **Compatibility.** A new version may add fields, and values of \`waiting.for\`. Ignore fields and values that you do not know.
- **Long lists.** A list contains at most its first 20 entries, and \`count\` is the number of all entries.
- **Several Batchdrops on one bus.** \`detail.metadata.instance\` names the Batchdrop. In CDK it is \`batchdrop.instance\`. The rules
  that \`onStatusChange\`, \`onJobStatusChange\` and similar methods create match only the events of their own Batchdrop.
- **Completed is not succeeded.** The results of a job are in the results bucket when its job event \`completed\`, \`expired\`,
  \`cancelled\` or \`failed\` arrives. \`completed\` means that every row has ended. \`data.rows\` says how many rows succeeded.

In TypeScript, \`import type { BatchdropEvent } from 'batchdrop/events'\` is the type of a whole event, as a Lambda function
receives it. The package also contains JSON schemas of the events and of the two messages that you can send:

${Object.keys(SCHEMA_FILES)
  .map((name) => `- \`batchdrop/events/${name}\``)
  .join('\n')}

The \`.schema.json\` files are JSON Schema, draft 2020-12. \`#/$defs/detail\` is the schema of \`detail\` alone. The
\`.openapi.json\` files are for the schema registry of EventBridge (\`aws schemas create-schema --type OpenApi3\`). The registry
generates code bindings from them. Unlike the \`.schema.json\` files, they do not say which status has which fields.

[events.asyncapi.json](events.asyncapi.json) describes the same events and messages as an AsyncAPI 3 document, for generators of
documents and code. The package has it in its folder \`docs\`.

\`npm run docs:events\` generates this page from \`functions/shared/contract\`. The schemas come from the same tables, and tests
check each published event against the schemas.
`;

interface FieldRow {
  path: string;
  type: string;
  present: string;
  meaning: string;
}

/** Returns the AsyncAPI document as a file. */
export function asyncApiFile(): string {
  return `${JSON.stringify(asyncApiDocument(), null, 2)}\n`;
}

/** Returns the whole page. */
export function eventsPage(): string {
  return [
    HEAD,
    sharedPart(),
    section(BATCH_EVENTS, batchStatusExamples),
    section(JOB_EVENTS, jobStatusExamples),
    section(CANCEL_EVENTS, cancelOutcomeExamples),
    section(APPROVAL_EVENTS, approvalOutcomeExamples),
    section(STALL_EVENTS, jobStalledExamples),
  ].join('\n');
}

/** Returns the section about the fields of every event. */
function sharedPart(): string {
  const envelope = Object.entries(ENVELOPE_FIELDS).flatMap(([name, field]) => rowsOf(field, name, ''));
  const metadata = Object.entries({ ...METADATA_FIELDS, jobId: JOB_ID }).flatMap(([name, field]) =>
    rowsOf(field, `detail.metadata.${name}`, ''),
  );
  const rows = [...envelope, ...metadata].map(({ path, type, meaning }) => [`\`${path}\``, type, meaning]);
  const note = `\`detail.metadata.jobId\` is absent in outcomes that name no known job. \`detail.data\` depends on the kind of event.`;
  return `## Fields of every event\n\n${table(['field', 'type', 'meaning'], rows)}\n\n${note}\n`;
}

function section(kind: EventKind, examples: Readonly<Record<string, unknown>>): string {
  const shown = Object.entries(examples).map(
    ([name, example]) =>
      `<details><summary><code>${name}</code></summary>\n\n\`\`\`json\n${JSON.stringify(example, null, 2)}\n\`\`\`\n\n</details>\n`,
  );
  return [
    `## ${kind.title}\n\n\`detail-type\`: \`${kind.detailType}\`\n`,
    `${statusTable(kind)}\n`,
    ...notesOn(kind),
    `${fieldTable(kind)}\n`,
    `An example of each:\n`,
    shown.join('\n'),
  ].join('\n');
}

/** Returns a table with one row per status: when its event is published, and which fields it has. */
function statusTable(kind: EventKind): string {
  const hasPrevious = kind.statuses.some(({ previous }) => previous);
  const head = [
    `\`data.${kind.statusField}\``,
    'published when',
    ...(hasPrevious ? ['`previousStatus`'] : []),
    'additional fields of `data`',
    '`null` in it',
  ];
  const rows = kind.statuses.map((row) => [
    `\`${row.status}\``,
    row.published,
    ...(hasPrevious ? [(row.previous ?? []).map((status) => `\`${status}\``).join(', ')] : []),
    additionalFields(row),
    row.nulls.map(coded).join(', ') || '–',
  ]);
  return table(head, rows);
}

function additionalFields({ has, mayHave }: StatusRow): string {
  const always = has.map(coded).join(', ');
  const sometimes = mayHave.map(({ name, when }) => `${coded(name)} if ${when}`);
  return [always, ...sometimes].filter((text) => text !== '').join('; ') || '–';
}

function notesOn({ statusField, reportedByApi, hasOtherStatuses }: EventKind): string[] {
  const reported = listed(reportedByApi.map(coded));
  const have = reportedByApi.length === 1 ? 'has' : 'have';
  return [
    ...(reported === ''
      ? []
      : [
          `${reported} ${have} a value as soon as the API reports one. The last column of the table shows what is usually null.\n`,
        ]),
    ...(hasOtherStatuses
      ? [
          statusField === 'cause'
            ? 'A later version may have other causes. Their events have the same fields.\n'
            : 'If OpenAI adds a status, Batchdrop publishes its events with that status and the fields of every event. If Batchdrop does not observe a status of a batch, there is no event for it.\n',
        ]
      : []),
  ];
}

function fieldTable(kind: EventKind): string {
  const rows = Object.entries(kind.fields).flatMap(([name, field]) =>
    rowsOf(field, name, presenceOf(kind, name)),
  );
  return table(
    ['field of `detail.data`', 'type', 'present', 'meaning'],
    rows.map(({ path, type, present, meaning }) => [`\`${path}\``, type, present, meaning]),
  );
}

/** Returns the statuses in which a field is present. */
function presenceOf({ always, inAnyStatus = [], statuses }: EventKind, name: string): string {
  if (always.includes(name)) return 'always';
  if (inAnyStatus.includes(name)) return 'in some, in any status';
  const having = statuses.filter(({ has }) => has.includes(name)).map(({ status }) => coded(status));
  const perhaps = statuses
    .filter(({ mayHave }) => mayHave.some((field) => field.name === name))
    .map(({ status }) => `in some ${coded(status)}`);
  return [...having, ...perhaps].join(', ');
}

/** Returns the rows for a field and for the fields in it. */
function rowsOf(schema: JsonSchema, path: string, present: string): FieldRow[] {
  const choices = schemasIn(schema.anyOf);
  const [only] = choices.filter(({ type }) => type !== 'null');
  const isNullable = only !== undefined && choices.length === 2 && !isSchema(schema.properties);
  const inner = isNullable ? only : schema;
  if (isNullable && !isSchema(only.properties))
    return [{ path, type: `${typeOf(only)} or null`, present, meaning: meaningOf(schema) }];
  if (isSchema(inner.properties)) {
    const required = Array.isArray(inner.required) ? inner.required : [];
    const parent = isNullable ? [{ path, type: 'object or null', present, meaning: meaningOf(schema) }] : [];
    return [
      ...parent,
      ...Object.entries(inner.properties).flatMap(([name, field]) =>
        isSchema(field)
          ? rowsOf(field, `${path}.${name}`, required.includes(name) ? present : 'if the request has it')
          : [],
      ),
    ];
  }
  if (isSchema(inner.items) && isSchema(inner.items.properties)) {
    return Object.entries(inner.items.properties).flatMap(([name, field]) =>
      isSchema(field) ? rowsOf(field, `${path}[].${name}`, present) : [],
    );
  }
  return [{ path, type: typeOf(inner), present, meaning: meaningOf(schema) }];
}

function typeOf(schema: JsonSchema): string {
  if ('const' in schema) return coded(JSON.stringify(schema.const));
  if (Array.isArray(schema.enum)) return schema.enum.map((value) => coded(JSON.stringify(value))).join(', ');
  if (schema.format === 'date-time') return 'ISO 8601 time';
  if (schema.type === 'array') return 'list of strings';
  return isSchema(schema.additionalProperties) ? 'map of string to string' : String(schema.type);
}

function meaningOf({ description }: JsonSchema): string {
  return typeof description === 'string' ? description : '';
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function coded(text: string): string {
  return `\`${text}\``;
}

function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

function schemasIn(value: unknown): JsonSchema[] {
  return Array.isArray(value) ? value.filter(isSchema) : [];
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

if (import.meta.main) {
  writeFileSync(PAGE, eventsPage());
  writeFileSync(DOCUMENT, asyncApiFile());
}
