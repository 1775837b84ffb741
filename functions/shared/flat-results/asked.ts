/** What a request asks for, as far as it decides how its answer is shown in a table. */
import { hasFields } from '../result-lines/row-tokens.ts';
import { type SchemaColumns, schemaColumns } from './answer-columns.ts';

/** The answer that a request asks for. */
export interface Asked {
  readonly customId: string;
  /** `columns`: an object of a JSON schema. `vectors`: embeddings. `text`: anything else. */
  readonly answer: 'columns' | 'vectors' | 'text';
  /** Only with `columns`. */
  readonly columns?: SchemaColumns;
  readonly hasTools: boolean;
}

const MAX_KNOWN_SCHEMAS = 1_000; // most files have one; a file with another one in each row must not fill the memory

/** Reads request lines, most of which repeat the schema of an earlier one. */
export class RequestReader {
  readonly #columns = new Map<string, SchemaColumns | undefined>();

  /** Returns what the line asks for. Errors: an Error for a line that INTAKE would not have accepted. */
  read(line: string): Asked {
    const request: unknown = JSON.parse(line);
    if (!hasFields(request) || typeof request.custom_id !== 'string')
      throw new Error('a line of the request file has no custom_id');
    const body = hasFields(request.body) ? request.body : {};
    const hasTools = [body.tools, body.functions].some((each) => Array.isArray(each) && each.length > 0);
    const of = { customId: request.custom_id, hasTools };
    if (request.url === '/v1/embeddings') return { ...of, answer: 'vectors' };
    const columns = this.#columnsOf(schemaIn(body));
    return columns ? { ...of, answer: 'columns', columns } : { ...of, answer: 'text' };
  }

  #columnsOf(schema: unknown): SchemaColumns | undefined {
    if (!hasFields(schema)) return undefined;
    const key = JSON.stringify(schema);
    if (this.#columns.has(key)) return this.#columns.get(key);
    if (this.#columns.size >= MAX_KNOWN_SCHEMAS) this.#columns.clear();
    const columns = schemaColumns(schema);
    this.#columns.set(key, columns);
    return columns;
  }
}

/** Returns the schema of the answer: of chat completions, of responses, or, as some vendors have it, without a name. */
function schemaIn(body: Record<string, unknown>): unknown {
  const text = hasFields(body.text) ? body.text : {};
  const format = [body.response_format, text.format].find(hasFields);
  if (!format) return undefined;
  return hasFields(format.json_schema) ? format.json_schema.schema : format.schema;
}
