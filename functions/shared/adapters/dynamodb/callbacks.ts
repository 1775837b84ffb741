import type { Callback } from '../../domain/workflows/callback.ts';
import type { Callbacks, Clock } from '../../ports/ports.ts';
import { callbackAttributes, itemIn, type LedgerAttributes } from './ledger-attributes.ts';
import { ledgerCall, queriedPages } from './ledger-call.ts';
import { asItemKey, callbackIdAt, callbackKey, followerKey, type LedgerKey } from './ledger-keys.ts';
import type { TableCalls } from './table-calls.ts';

/** The callbacks in the ledger's table. */
export function createDynamoDbCallbacks(options: {
  calls: TableCalls;
  tableName: string;
  clock: Clock;
}): Callbacks {
  return new DynamoDbCallbacks(options.calls, options.tableName, options.clock);
}

class DynamoDbCallbacks implements Callbacks {
  readonly #calls: TableCalls;
  readonly #table: string;
  readonly #clock: Clock;

  constructor(calls: TableCalls, table: string, clock: Clock) {
    this.#calls = calls;
    this.#table = table;
    this.#clock = clock;
  }

  async read(callbackId: string): Promise<Callback | undefined> {
    const Key = asItemKey(callbackKey(callbackId));
    const { Item } = await ledgerCall(`read callback ${callbackId}`, () =>
      this.#calls.getItem({ TableName: this.#table, Key, ConsistentRead: true }),
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
    const pages = queriedPages(this.#calls, `read the callbacks of job ${jobId}`, {
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
      this.#calls.putItem({ TableName: this.#table, Item: { ...asItemKey(key), ...attributes } }),
    );
  }
}
