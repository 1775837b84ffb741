import { ENDPOINTS, type Endpoint } from '../../../functions/shared/contract/request-file.ts';
import { Failure } from '../../terminal/failure.ts';
import { columnsShown, type Table } from '../tables/table.ts';
import { withSchema } from './answer-schema.ts';
import { readJson } from './read-json.ts';
import { literally, type Piece, piecesOf } from './template.ts';

/** What the user gave to make a request of each row. Files by their path. */
export interface RequestOptions {
  readonly template: string;
  readonly schema?: string | undefined;
  /** Default: `/v1/chat/completions`, if the template has `messages`. */
  readonly endpoint?: Endpoint | undefined;
}

/** Reads the template, and returns the endpoint and the pieces of the body. Throws a Failure. */
export async function readRequestShape({
  template,
  schema,
  endpoint: given,
}: RequestOptions): Promise<{ endpoint: Endpoint; pieces: Piece[] }> {
  const body = await readJson(template);
  if (!isObject(body)) throw new Failure(`${template} must be a JSON object: the body of a request.`);
  if ('custom_id' in body && 'body' in body)
    throw new Failure(`${template} must be the body of a request alone, without custom_id, method and url.`);
  if (given === undefined && !('messages' in body))
    throw new Failure(`${template} has no messages, so --endpoint must say which endpoint it is for.`);
  const endpoint = given ?? '/v1/chat/completions';
  const whole =
    schema === undefined ? body : withSchema(body, endpoint, literally(await readJson(schema)), schema);
  return { endpoint, pieces: piecesOf(whole) };
}

/** Returns the endpoint that the user named, with or without `/v1/`; undefined if there is none of this name. */
export function endpointNamed(name: string): Endpoint | undefined {
  const path = `/v1/${name.replace(/^\/?(v1\/)?/, '')}`;
  return ENDPOINTS.find((endpoint) => endpoint === path);
}

/** Refuses columns that the table does not have, or has twice. `file`: its name. Throws a Failure. */
export function refuseUnknownColumns(table: Table, wanted: readonly string[], file: string): void {
  const { columns } = table;
  if (columns === undefined) return; // each row of JSON Lines has its own
  for (const name of wanted) {
    const found = columns.flatMap((column, at) => (column === name ? [at + 1] : []));
    if (found.length > 1) {
      const quoted = JSON.stringify(name);
      throw new Failure(`${file} has several columns ${quoted}: numbers ${found.join(' and ')}. Rename one.`);
    }
    if (found.length === 0) {
      const [only] = columns;
      const other = columns.length === 1 ? /[;\t|,]/.exec(only ?? '')?.[0] : undefined;
      const advice =
        other === undefined ? '' : ` Perhaps its delimiter is another: add --delimiter '${other}'.`;
      throw new Failure(`${file} has no column ${JSON.stringify(name)}. ${columnsShown(columns)}${advice}`);
    }
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
