import type { FunctionName } from '../../../lib/stages/function-bundles.ts';
import { ACCOUNT_OWNER } from '../../../local/aws/iam/caller.ts';
import { operationName } from '../../../local/aws/s3/operation-names.ts';
import { readRequest } from '../../../local/aws/s3/wire/request.ts';
import type { Counts, CountsByFunction } from './call-counts.ts';
import type { Exchange } from './counting-proxy.ts';
import { type IndexAttributes, type Item, indexWriteUnits, readUnits, writeUnits } from './ledger-units.ts';

/** Calls for jobs by function, and the calls that POLL makes in each tick, with or without jobs. */
export interface TakenCounts {
  readonly job: CountsByFunction;
  readonly tick: Counts;
}

/** What one call adds to the counts. */
interface CountedCall {
  /** The call, and the units billed for it. */
  readonly counts: Counts;
  /** Counts for the tick instead of a job if POLL makes the call. */
  readonly isOfTick: boolean;
}

/** The fields of DynamoDB requests that the counter reads. */
interface LedgerRequest {
  readonly IndexName?: string;
  readonly ConsistentRead?: boolean;
  readonly Key?: Item;
  readonly Item?: Item;
}

/** Counts the calls that pass the proxies. Throws for a call of an unknown kind. */
export class CallCounter {
  readonly #indexes: readonly IndexAttributes[];
  readonly #stored = new Map<string, Item>();
  #taken: { job: CountsByFunction; tick: Counts } = { job: {}, tick: {} };

  /** Takes the indexes of the ledger table. */
  constructor(indexes: readonly IndexAttributes[]) {
    this.#indexes = indexes;
  }

  /** Returns the counts since the last call, and starts again at zero. */
  take(): TakenCounts {
    const taken = this.#taken;
    this.#taken = { job: {}, tick: {} };
    return taken;
  }

  /** Counts one call of a function. */
  call(by: FunctionName, to: 'aws' | 'batch-api', exchange: Exchange): void {
    const { counts, isOfTick } = to === 'aws' ? this.#awsCall(exchange) : batchApiCall(exchange);
    this.add(by === 'poll' && isOfTick ? 'tick' : by, counts);
  }

  /** Adds counts for a function, or for the tick. */
  add(by: FunctionName | 'tick', added: Counts): void {
    const { job, tick } = this.#taken;
    if (by !== 'tick') job[by] ??= {};
    const counts = by === 'tick' ? tick : (job[by] ?? {});
    for (const [kind, times] of Object.entries(added)) counts[kind] = (counts[kind] ?? 0) + times;
  }

  #awsCall(exchange: Exchange): CountedCall {
    const target = exchange.request.headers['x-amz-target'];
    if (typeof target !== 'string') {
      const operation = operationName(readRequest(exchange.request, '', ACCOUNT_OWNER));
      return { counts: { [`S3 ${operation}`]: 1 }, isOfTick: false };
    }
    const [service, operation = ''] = target.split('.');
    const request = JSON.parse(exchange.body.toString());
    switch (service) {
      case 'DynamoDB_20120810':
        return this.#ledgerCall(operation, request, exchange);
      case 'AmazonSQS':
        return withEntries(`SQS ${operation}`, 'messages sent', request);
      case 'AWSEvents':
        return withEntries(`EventBridge ${operation}`, 'events published', request);
      case 'secretsmanager': // POLL caches the key for five minutes and uses it for all jobs
        return { counts: { [`Secrets Manager ${operation}`]: 1 }, isOfTick: true };
      default:
        throw new Error(`unknown call: ${target}`);
    }
  }

  #ledgerCall(operation: string, request: LedgerRequest, { status, responseBody }: Exchange): CountedCall {
    const hasConflict = status === 400 && responseBody.includes('ConditionalCheckFailedException');
    if (status !== 200 && !hasConflict) throw new Error(`${operation}: HTTP ${status} ${responseBody}`);
    switch (operation) {
      case 'GetItem':
      case 'Query':
        return readCall(operation, request, JSON.parse(responseBody.toString()));
      case 'PutItem':
        return this.#putCall(request.Item ?? {}, hasConflict);
      default:
        throw new Error(`unknown call: DynamoDB ${operation}`);
    }
  }

  #putCall(item: Item, hasConflict: boolean): CountedCall {
    const key = keyOf(item);
    const before = this.#stored.get(key);
    if (!hasConflict) this.#stored.set(key, item);
    const counts = {
      [`ledger PutItem: ${nameOf(key)}`]: 1,
      ...(hasConflict ? { 'ledger writes that failed their condition': 1 } : {}),
      'write units of the table': writeUnits(hasConflict ? undefined : item, before),
      'write units of the index': hasConflict ? 0 : indexWriteUnits(this.#indexes, item, before),
    };
    return { counts, isOfTick: key.startsWith('CONTROL') };
  }
}

function readCall(
  operation: string,
  { IndexName, ConsistentRead = false, Key }: LedgerRequest,
  { Item, Items = Item ? [Item] : [] }: { Item?: Item; Items?: Item[] },
): CountedCall {
  const units = readUnits(Items, ConsistentRead);
  if (IndexName !== undefined)
    return { counts: { [`index ${operation}`]: 1, 'read units of the index': units }, isOfTick: true };
  const key = Key === undefined ? undefined : keyOf(Key);
  const read = key === undefined ? 'parts of a job' : nameOf(key);
  const counts = { [`ledger ${operation}: ${read}`]: 1, 'read units of the table': units };
  return { counts, isOfTick: key?.startsWith('CONTROL') ?? false };
}

function keyOf({ pk, sk }: Item): string {
  return `${pk?.S} ${sk?.S}`;
}

/** Returns the kind of an item. */
function nameOf(key: string): string {
  const kinds: [RegExp, string][] = [
    [/^JOB#\S+ META$/, 'job'],
    [/^JOB#\S+ PART#/, 'part'],
    [/^KEY#/, 'key pointer'],
    [/^BATCH#/, 'batch pointer'],
    [/^CONTROL PAUSE$/, 'control item'],
    [/^CONTROL CREATES$/, 'creates of the last hour'],
    [/^CONTROL ADMISSIONS$/, 'admissions'],
  ];
  const [, name] = kinds.find(([pattern]) => pattern.test(key)) ?? [];
  if (name === undefined) throw new Error(`unknown kind of item: ${key}`);
  return name;
}

function withEntries(call: string, what: string, { Entries }: { Entries?: object[] }): CountedCall {
  if (Entries === undefined) throw new Error(`${call} without Entries`);
  return { counts: { [call]: 1, [what]: Entries.length }, isOfTick: false };
}

/** A list page serves all open batches, so it counts for the tick. Any other call serves one job. */
function batchApiCall({ request }: Exchange): CountedCall {
  const [path = ''] = (request.url ?? '').replace(/^\/v1/, '').split('?');
  const operation = `${request.method} ${path.replace(/(?<=\/)(file|batch)[-_][^/]+/, '{id}')}`;
  return { counts: { [`Batch API ${operation}`]: 1 }, isOfTick: operation === 'GET /batches' };
}
