/** Generates docs/events.md from the contract's schemas and examples: `npm run docs:events`. A test compares the two. */
import { writeFileSync } from 'node:fs';
import {
  batchStatusChangeSchema,
  batchStatusExamples,
  cancelOutcomeExamples,
  cancelOutcomeSchema,
  type JsonSchema,
  jobStatusChangeSchema,
  jobStatusExamples,
} from '../functions/shared/contract/index.ts';

const PAGE = new URL('events.md', import.meta.url);

const HEAD = `# Events

Batchdrop publishes three kinds of event on its bus. The source of each event is \`batchdrop\`.

- **Duplicates.** You may receive an event twice. Both copies have the same \`metadata.id\`.
- **Order.** EventBridge does not keep the order. \`metadata.sequence\` increases by one with each change of a batch or job.
  Ignore an event whose sequence is not higher than the last one that you processed for that batch or job.
- **Compatibility.** Fields are only ever added.
- **Long lists.** A list contains at most its first 20 entries, and \`count\` gives the number of all entries.

\`npm run docs:events\` generates this page from the schemas and examples in \`functions/shared/contract\`. Tests compare the
published events with the same schemas and examples.
`;

interface Field {
  path: string;
  kind: string;
}

/** The whole page. */
export function eventsPage(): string {
  return [
    HEAD,
    section('Batch status change', batchStatusChangeSchema, batchStatusExamples),
    section('Job status change', jobStatusChangeSchema, jobStatusExamples),
    section('Cancel outcome', cancelOutcomeSchema, cancelOutcomeExamples),
  ].join('\n');
}

function section(title: string, schema: JsonSchema, examples: Record<string, unknown>): string {
  const rows = fieldsOf(schema, '').map(({ path, kind }) => `| \`${path}\` | ${kind} |`);
  const shown = Object.entries(examples).map(
    ([name, example]) =>
      `<details><summary><code>${name}</code></summary>\n\n\`\`\`json\n${JSON.stringify(example, null, 2)}\n\`\`\`\n\n</details>\n`,
  );
  const table = ['| field of `detail` | type |', '| --- | --- |', ...new Set(rows)].join('\n');
  return `## ${title}\n\n\`detail-type\`: \`${String(schema.title)}\`\n\n${table}\n\n${shown.join('\n')}`;
}

/** Every leaf of a schema, with unions flattened. Fields that only some variants have are marked. */
function fieldsOf(schema: JsonSchema, path: string): Field[] {
  const variants = listOf(schema.oneOf);
  if (variants.length > 0) return ofVariants(variants, path);
  const choices = listOf(schema.anyOf);
  const nullable = choices.some(({ type }) => type === 'null');
  const [only] = choices.filter(({ type }) => type !== 'null');
  if (nullable && only)
    return fieldsOf(only, path).map(({ path: at, kind }) => ({ path: at, kind: `${kind} or null` }));
  if (choices.length > 0) return ofVariants(choices, path);
  if (isSchema(schema.properties)) {
    const required = new Set(Array.isArray(schema.required) ? schema.required : []);
    return Object.entries(schema.properties).flatMap(([name, field]) =>
      isSchema(field)
        ? fieldsOf(field, path === '' ? name : `${path}.${name}`).map(optional(required.has(name)))
        : [],
    );
  }
  if (isSchema(schema.items)) return fieldsOf(schema.items, `${path}[]`);
  return [{ path, kind: kindOf(schema) }];
}

function ofVariants(variants: JsonSchema[], path: string): Field[] {
  const all = variants.map((variant) => fieldsOf(variant, path));
  const kinds = new Map<string, Set<string>>();
  for (const { path: at, kind } of all.flat()) kinds.set(at, (kinds.get(at) ?? new Set()).add(kind));
  return [...kinds].map(([at, found]) => {
    const everywhere = all.every((fields) => fields.some((field) => field.path === at));
    const kind = [...found].join(' or ');
    return optional(everywhere)({ path: at, kind });
  });
}

function optional(required: boolean): (field: Field) => Field {
  return ({ path, kind }) => ({
    path,
    kind: required || kind.endsWith(')') ? kind : `${kind} (not in every event)`,
  });
}

function kindOf(schema: JsonSchema): string {
  if ('const' in schema) return `\`${JSON.stringify(schema.const)}\``;
  if (Array.isArray(schema.enum))
    return schema.enum.map((value) => `\`${JSON.stringify(value)}\``).join(' or ');
  if (schema.format === 'date-time') return 'ISO 8601 time';
  return isSchema(schema.additionalProperties) ? 'map of string to string' : String(schema.type);
}

function listOf(value: unknown): JsonSchema[] {
  return Array.isArray(value) ? value.filter(isSchema) : [];
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

if (import.meta.main) writeFileSync(PAGE, eventsPage());
