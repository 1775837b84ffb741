import { existsSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { CreateTableCommandInput, KeySchemaElement } from '@aws-sdk/client-dynamodb';
import { InFlight } from '../../in-flight.ts';
import { ACCOUNT_OWNER, type Caller } from '../iam/caller.ts';
import { neededForJson } from '../iam/needed-permissions.ts';
import { AwsError } from '../protocol/aws-error.ts';
import type { AwsService } from '../protocol/aws-service.ts';
import { Input } from '../protocol/input.ts';
import { notImplemented, readBody, sendRefusal } from '../protocol/json-protocol.ts';
import type { DynaliteAnswer } from './dynalite-call.ts';
import { Tables } from './tables.ts';

/** An on-demand table, with the fields that CreateTable and CloudFormation share. */
export type TableDefinition = Required<
  Pick<CreateTableCommandInput, 'TableName' | 'KeySchema' | 'AttributeDefinitions'>
> &
  Pick<CreateTableCommandInput, 'GlobalSecondaryIndexes'>;

const CONTENT_TYPE = 'application/x-amz-json-1.0';
const TARGET_PREFIX = 'DynamoDB_20120810.';

/** DynamoDB on the endpoint: dynalite without a port of its own. No transactions of several items, TTL, or streams. */
export class DynamoDbEngine implements AwsService {
  readonly signingName = 'dynamodb';
  readonly #tables: Tables;
  readonly #inFlight = new InFlight();
  #isClosed = false;

  /** The state is the file `dynamodb.sqlite` in `directory`. Throws an Error if the directory has the state of an older version. */
  constructor(options: { directory: string }) {
    if (existsSync(join(options.directory, 'dynamodb'))) {
      throw new Error(
        `${options.directory} has the ledger of an older version, which this one cannot read. Let that version finish its jobs, then choose another data directory with --data.`,
      );
    }
    this.#tables = new Tables(options.directory);
  }

  /** Creates the table if it does not exist, and waits until it is active. Throws if it exists with other keys. */
  async createTable(definition: TableDefinition): Promise<void> {
    const created = await this.#call('CreateTable', { ...definition, BillingMode: 'PAY_PER_REQUEST' });
    const isThere = created.status === 400 && created.body.includes('ResourceInUseException');
    if (created.status !== 200 && !isThere) {
      throw new Error(`create table ${definition.TableName}: ${created.body}`);
    }
    const table = await this.#activeTable(definition.TableName ?? '');
    if (keysOf(table) !== keysOf(definition)) {
      throw new Error(
        `Table ${definition.TableName} of an earlier run has other keys or indexes: start with a new data directory.`,
      );
    }
  }

  async handle(
    request: IncomingMessage,
    response: ServerResponse,
    caller: Caller = ACCOUNT_OWNER,
  ): Promise<void> {
    try {
      const body = await readBody(request);
      if (this.#isClosed) throw new AwsError('ServiceUnavailable', 'DynamoDB is closing.', { status: 503 });
      const operation = operationOf(request);
      if (caller !== ACCOUNT_OWNER) demand(caller, operation, body);
      const forwarded = {
        method: request.method ?? '',
        url: request.url ?? '',
        headers: request.headers,
        body,
      };
      const answer = await this.#inFlight.add(this.#tables.call(operation, forwarded));
      if (answer.body.includes('#UnknownOperationException')) throw notImplemented(`DynamoDB ${operation}`);
      response.writeHead(answer.status, answer.headers).end(answer.body);
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      sendRefusal(response, error, CONTENT_TYPE);
    }
  }

  /** Refuses new calls, and closes once the running calls have ended, even if their clients are gone. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#inFlight.ended();
    this.#tables.close();
  }

  /** Returns the table once it is active, which is shortly after CreateTable has returned. */
  async #activeTable(TableName: string): Promise<TableDefinition> {
    for (let look = 0; look < 200; look += 1) {
      const { body } = await this.#call('DescribeTable', { TableName });
      const table = JSON.parse(body).Table;
      if (table?.TableStatus === 'ACTIVE') return table;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    throw new Error(
      `Table ${TableName} does not become active: an earlier run ended while creating it. Start with a new data directory.`,
    );
  }

  #call(operation: string, input: object): Promise<DynaliteAnswer> {
    const headers = {
      'content-type': CONTENT_TYPE,
      'x-amz-target': TARGET_PREFIX + operation,
      'x-amz-date': '20260101T000000Z', // dynalite requires the parts of a signature, but checks none
      authorization: 'AWS4-HMAC-SHA256 Credential=local, Signature=local, SignedHeaders=local',
    };
    const body = Buffer.from(JSON.stringify(input));
    return this.#tables.call(operation, { method: 'POST', url: '/', headers, body });
  }
}

function demand(caller: Caller, operation: string, body: Buffer): void {
  const input = Input.of(JSON.parse(body.toString('utf8')), 'ValidationException');
  for (const need of neededForJson('dynamodb', operation, input)) caller.demand(need);
}

function operationOf(request: IncomingMessage): string {
  const target = request.headers['x-amz-target'];
  return typeof target === 'string' ? target.slice(target.indexOf('.') + 1) : 'without a target';
}

/** Returns the keys of a table and its indexes as text, for comparison. */
function keysOf(table: TableDefinition): string {
  const key = (schema: KeySchemaElement[] | undefined) =>
    (schema ?? []).map((element) => `${element.KeyType} ${element.AttributeName}`).join(', ');
  const indexes = (table.GlobalSecondaryIndexes ?? []).map(
    (index) => `${index.IndexName}: ${key(index.KeySchema)}`,
  );
  return [key(table.KeySchema), ...indexes.toSorted()].join('; ');
}
