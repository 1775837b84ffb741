import type { JsonSchema } from './json-schema.ts';

/**
 * Returns an event's schema as an OpenAPI 3.0 document for EventBridge's schema registry, which generates code bindings
 * from it ([source](https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-schema-create.html)). OpenAPI 3.0 has
 * no `const` and no type `null`. Rules for single statuses are omitted, because code bindings have no unions. So the
 * document allows everything that the schema allows, and more.
 */
export function openApiOf(schema: JsonSchema): JsonSchema {
  const { title, properties, required, $defs } = schema;
  const fields = Object(properties);
  const detailType = String(title);
  const name = detailType.replaceAll(' ', '');
  return {
    openapi: '3.0.0',
    info: { title: detailType, version: '1.0.0' },
    paths: {},
    components: {
      schemas: {
        AWSEvent: {
          type: 'object',
          required,
          'x-amazon-events-detail-type': detailType,
          'x-amazon-events-source': fields.source.const,
          properties: { ...Object(converted({ properties }).properties), detail: { $ref: refTo(name) } },
        },
        [name]: converted(Object($defs).detail),
      },
    },
  };
}

function refTo(name: string): string {
  return `#/components/schemas/${name}`;
}

/** Keywords that combine schemas. Their fields are already among `properties`. */
const COMBINING = new Set(['oneOf', 'anyOf']);

function converted(schema: JsonSchema): JsonSchema {
  const choices = Array.isArray(schema.anyOf) ? schema.anyOf : [];
  const nullable = choices.some(({ type }) => type === 'null');
  const [some] = choices.filter(({ type }) => type !== 'null');
  if (nullable && some) {
    const { anyOf: _, ...rest } = schema;
    const { enum: values, ...one } = converted(some);
    return { ...one, ...rest, nullable: true, ...(Array.isArray(values) && { enum: [...values, null] }) };
  }
  const entries = Object.entries(schema).filter(([keyword]) => !COMBINING.has(keyword));
  return Object.fromEntries(entries.flatMap(([keyword, value]) => convertedKeyword(keyword, value)));
}

function convertedKeyword(keyword: string, value: unknown): [string, unknown][] {
  if (keyword === 'const') {
    return [
      ['type', typeof value === 'number' ? 'integer' : 'string'],
      ['enum', [value]],
    ];
  }
  if (keyword === 'properties') {
    return [
      [
        keyword,
        Object.fromEntries(
          Object.entries(Object(value)).map(([name, field]) => [name, converted(Object(field))]),
        ),
      ],
    ];
  }
  const isSchema = keyword === 'items' || keyword === 'additionalProperties';
  return [[keyword, isSchema && typeof value === 'object' ? converted(Object(value)) : value]];
}
