import { type DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import type { Callback } from '../../domain/workflows/callback.ts';
import type { Callbacks, Clock } from '../../ports/ports.ts';
import { callbackAttributes, itemIn, type LedgerAttributes } from './ledger-attributes.ts';
import { ledgerCall, queriedPages } from './ledger-call.ts';
import { asItemKey, callbackIdAt, callbackKey, followerKey, type LedgerKey } from './ledger-keys.ts';

/** The callbacks in the ledger's table. */
export function createDynamoDbCallbacks(options: {
  client: DynamoDBClient;
  tableName: string;
  clock: Clock;
}): Callbacks {
  return new DynamoDbCallbacks(options.client, options.tableName, options.clock);
}

class DynamoDbCallbacks implements Callbacks {
  readonly #client: DynamoDBClient;
  readonly #table: string;
  readonly #clock: Clock;

  constructor(client: DynamoDBClient, table: string, clock: Clock) {
    this.#client = client;
    this.#table = table;
    this.#clock = clock;
  }

  async read(callbackId: string): Promise<Callback | undefined> {
    const Key = asItemKey(callbackKey(callbackId));
    const { Item } = await ledgerCall(`read callback ${callbackId}`, () =>
      this.#client.send(new GetItemCommand({ TableName: this.#table, Key, ConsistentRead: true })),
    );
    return Item && itemIn<Callback>(Item, this.#clock.now());
  }

  save(callback: Callback): Promise<void> {
    return this.#put(callbackKey(callback.callbackId), callbackAttributes(callback));
  }

  follow(jobId: string, { callbackId, bucket, key, expiresAt }: Callback): Promise<void> {
    // Without the token: the record of the callback has it.
    return this.#put(
      followerKey(jobId, callbackId),
      callbackAttributes({ callbackId, bucket, key, expiresAt }),
    );
  }

  async followersOf(jobId: string): Promise<string[]> {
    const { pk, sk } = followerKey(jobId, '');
    const found: string[] = [];
    const pages = queriedPages(this.#client, `read the callbacks of job ${jobId}`, {
      TableName: this.#table,
      ConsistentRead: true,
      KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
      ExpressionAttributeValues: { ':pk': { S: pk }, ':prefix': { S: sk } },
      ProjectionExpression: 'sk',
    });
    for await (const page of pages) for (const item of page) found.push(callbackIdAt(item.sk?.S ?? ''));
    return found;
  }

  async #put(key: LedgerKey, attributes: LedgerAttributes): Promise<void> {
    await ledgerCall(`write ${key.pk} ${key.sk}`, () =>
      this.#client.send(
        new PutItemCommand({ TableName: this.#table, Item: { ...asItemKey(key), ...attributes } }),
      ),
    );
  }
}
