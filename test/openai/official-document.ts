/**
 * Checks responses of a Batch API against OpenAI's own OpenAPI document (see LICENSE in this folder), except for nulls.
 */
import { readFileSync } from 'node:fs';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
type JsonObject = { [name: string]: Json };

interface Operation {
  readonly responses: {
    readonly '200': { readonly content: { readonly 'application/json': { schema: Json } } };
  };
}

interface OpenApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: JsonObject };
}

const document: OpenApiDocument = JSON.parse(
  readFileSync(new URL('openapi.batch-files-uploads.json', import.meta.url), 'utf8'),
);

const ERROR_SCHEMA = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['message', 'type', 'param', 'code'],
      properties: {
        message: { type: 'string', minLength: 1 },
        type: { type: 'string', minLength: 1 },
        param: { type: ['string', 'null'] },
        code: { type: ['string', 'null'] },
      },
      additionalProperties: false,
    },
  },
  additionalProperties: false,
};

const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats.default(ajv);
ajv.addFormat('unixtime', { type: 'number', validate: Number.isInteger });
ajv.addSchema(nullable({ $id: 'openai', components: { ...document.components } }), 'openai');
const isError = ajv.compile(ERROR_SCHEMA);

/** Allows null for every property: the document omits fields that the API returns as null. */
function nullable(schema: Json): JsonObject {
  const converted = convert(schema);
  if (!isObject(converted)) throw new Error('not a schema');
  return converted;
}

function convert(value: Json): Json {
  if (Array.isArray(value)) return value.map(convert);
  if (!isObject(value)) return value;
  // `nullable` comes from an older OpenAPI version than the document's, and this function already applies it
  // everywhere.
  const parts = Object.entries(value).filter(([name, part]) => name !== 'nullable' || isObject(part));
  const entries = parts.map(([name, part]): [string, Json] => {
    if (name === '$ref' && typeof part === 'string') return [name, part.replace('#/', 'openai#/')];
    if (name !== 'properties' || !isObject(part)) return [name, convert(part)];
    const properties = Object.entries(part).map(([property, schema]): [string, Json] => [
      property,
      { anyOf: [{ type: 'null' }, convert(schema)] },
    ]);
    return [name, Object.fromEntries(properties)];
  });
  return Object.fromEntries(entries);
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const validators = Object.entries(document.paths).flatMap(([template, operations]) =>
  Object.entries(operations).map(([method, operation]) => ({
    operation: `${method.toUpperCase()} ${template}`,
    method: method.toUpperCase(),
    path: new RegExp(`/v1${template.replace(/\{[^}]+\}/g, '[^/]+')}$`),
    validate: ajv.compile(nullable(operation.responses['200'].content['application/json'].schema)),
  })),
);

/** A `fetch` that throws for a response that the document does not allow, and counts the valid ones by operation. */
export class DocumentedFetch {
  readonly checked = new Map<string, number>();
  readonly #fetch: typeof fetch;

  constructor(send: typeof fetch = fetch) {
    this.#fetch = send;
  }

  readonly fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const response = await this.#fetch(input, init);
    const url = new URL(input instanceof Request ? input.url : input);
    const method = init?.method ?? (input instanceof Request ? input.method : 'GET');
    await this.#check(method.toUpperCase(), url.pathname, response);
    return response;
  };

  async #check(method: string, pathname: string, response: Response): Promise<void> {
    const known = validators.find(
      (candidate) => candidate.method === method && candidate.path.test(pathname),
    );
    if (!response.ok) return this.#hold(`error ${response.status}`, isError, await response.clone().json());
    if (known === undefined) throw new Error(`the document has no ${method} ${pathname}`);
    const isContent = pathname.endsWith('/content');
    this.#hold(known.operation, known.validate, isContent ? '' : await response.clone().json());
  }

  #hold(operation: string, validate: ValidateFunction, body: unknown): void {
    if (!validate(body))
      throw new Error(`${operation}: ${ajv.errorsText(validate.errors)} in ${JSON.stringify(body)}`);
    this.checked.set(operation, (this.checked.get(operation) ?? 0) + 1);
  }
}
