import { mkdirSync } from 'node:fs';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { CreateTableCommandInput, KeySchemaElement } from '@aws-sdk/client-dynamodb';
import { InFlight } from '../../in-flight.ts';
import { ACCOUNT_OWNER, type Caller } from '../iam/caller.ts';
import { neededForJson } from '../iam/needed-permissions.ts';
import { AwsError } from '../protocol/aws-error.ts';
import type { AwsService } from '../protocol/aws-service.ts';
import { Input } from '../protocol/input.ts';
import { notImplemented, readBody, sendRefusal } from '../protocol/json-protocol.ts';
import { WriteJournal } from '../protocol/write-journal.ts';
import { callDynalite, type DynaliteAnswer } from './dynalite-call.ts';
import { openDynalite } from './open-dynalite.ts';

/** An on-demand table, with the fields that CreateTable and CloudFormation share. */
export type TableDefinition = Required<
  Pick<CreateTableCommandInput, 'TableName' | 'KeySchema' | 'AttributeDefinitions'>
> &
  Pick<CreateTableCommandInput, 'GlobalSecondaryIndexes'>;

const CONTENT_TYPE = 'application/x-amz-json-1.0';
const TARGET_PREFIX = 'DynamoDB_20120810.';
const WRITES = new Set(['PutItem', 'UpdateItem', 'DeleteItem', 'BatchWriteItem']);

/**
 * DynamoDB on the endpoint: dynalite without a port of its own, and a journal that completes its writes after the
 * process was killed. No transactions, TTL or streams. A write that was in flight is repeated at the next start, with
 * its condition. An unconditional ADD may therefore be applied twice, as after an SDK's retry.
 */
export class DynamoDbEngine implements AwsService {
  readonly signingName = 'dynamodb';
  readonly #dynalite: Server;
  readonly #journal: WriteJournal;
  readonly #ready: Promise<void>;
  readonly #inFlight = new InFlight();
  #isClosed = false;

  /** The state is the folder `dynamodb` and `dynamodb-writes.sqlite` in `directory`. */
  constructor(options: { directory: string }) {
    const path = join(options.directory, 'dynamodb');
    mkdirSync(path, { recursive: true });
    this.#dynalite = openDynalite({ path, createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
    this.#journal = new WriteJournal(options.directory);
    this.#ready = this.#repeatUnfinishedWrites();
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
      await this.#ready;
      if (this.#isClosed) throw new AwsError('ServiceUnavailable', 'DynamoDB is closing.', { status: 503 });
      const operation = operationOf(request);
      if (caller !== ACCOUNT_OWNER) demand(caller, operation, body);
      const forwarded = {
        method: request.method ?? '',
        url: request.url ?? '',
        headers: request.headers,
        body,
      };
      const answer = await this.#inFlight.add(
        this.#journalled(operation, body, () => callDynalite(this.#dynalite, forwarded)),
      );
      if (answer.body.includes('#UnknownOperationException')) throw notImplemented(`DynamoDB ${operation}`);
      response.writeHead(answer.status, answer.headers).end(answer.body);
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      sendRefusal(response, error, CONTENT_TYPE);
    }
  }

  /**
   * Refuses new calls, and closes once the running calls have ended, even if their clients are gone. If the store were
   * closed during a call, dynalite would throw outside any promise, which ends the process. Dynalite closes its store
   * only as the last step of closing a listening server, so this makes the server listen for a moment.
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#ready;
    await this.#inFlight.ended();
    await new Promise<void>((resolve) => this.#dynalite.listen(0, '127.0.0.1', resolve));
    await new Promise<void>((resolve, reject) => {
      this.#dynalite.close((error) => (error ? reject(error) : resolve()));
    });
    this.#journal.close();
  }

  async #repeatUnfinishedWrites(): Promise<void> {
    for (const { seq, operation, body } of this.#journal.unfinished()) {
      await this.#send(operation, body); // a failed condition means that the first try was applied
      this.#journal.end(seq);
    }
  }

  async #journalled(
    operation: string,
    body: Buffer,
    call: () => Promise<DynaliteAnswer>,
  ): Promise<DynaliteAnswer> {
    if (!WRITES.has(operation)) return call();
    const seq = this.#journal.begin(operation, body);
    const answer = await call();
    this.#journal.end(seq);
    return answer;
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

  async #call(operation: string, input: object): Promise<DynaliteAnswer> {
    await this.#ready;
    return this.#send(operation, Buffer.from(JSON.stringify(input)));
  }

  #send(operation: string, body: Buffer): Promise<DynaliteAnswer> {
    const headers = {
      'content-type': CONTENT_TYPE,
      'x-amz-target': TARGET_PREFIX + operation,
      'x-amz-date': '20260101T000000Z', // dynalite requires the parts of a signature, but checks none
      authorization: 'AWS4-HMAC-SHA256 Credential=local, Signature=local, SignedHeaders=local',
    };
    return callDynalite(this.#dynalite, { method: 'POST', url: '/', headers, body });
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
