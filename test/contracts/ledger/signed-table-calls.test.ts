/** The ledger's calls for functions against those of the SDK's client: the same requests, and the same errors after as many tries. */
import { type AttributeValue, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { awsFailure } from '../../../functions/shared/adapters/aws/aws-failure.ts';
import { createSdkTableCalls } from '../../../functions/shared/adapters/dynamodb/sdk-table-calls.ts';
import type { TableCalls } from '../../../functions/shared/adapters/dynamodb/table-calls.ts';
import { RetryableError } from '../../../functions/shared/domain/errors.ts';
import {
  cutShort,
  html,
  json,
  raw,
  reset,
  type ScriptedAnswer,
  type ScriptedServer,
  silence,
  startScriptedServer,
} from '../openai/scripted-server.ts';
import { localAws, localTableCalls } from './local-dynamodb.ts';

/** Calls with a server of their own, so that both can be tried at once. */
interface Side {
  server: ScriptedServer;
  calls: TableCalls;
}

let ours: Side;
let theirs: Side;
let sdk: DynamoDBClient;
beforeAll(async () => {
  const [one, other] = await Promise.all([startScriptedServer(), startScriptedServer()]);
  sdk = new DynamoDBClient({ ...localAws(`${other.url}/base`), maxAttempts: 3 });
  ours = { server: one, calls: localTableCalls(`${one.url}/base`) };
  theirs = { server: other, calls: createSdkTableCalls(sdk) };
});
afterAll(async () => {
  sdk.destroy();
  await Promise.all([ours.server.close(), theirs.server.close()]);
});

const Item: Record<string, AttributeValue> = {
  pk: { S: 'JOB#ü\u2028"' },
  sk: { S: 'JOB' },
  version: { N: '3' },
  open: { BOOL: true },
  summary: { M: { rows: { N: '20' }, tags: { L: [{ S: 'a' }, { NULL: true }] } } },
};
const Key = { pk: { S: 'JOB#j' }, sk: { S: 'JOB' } };

const CALLS: [string, (calls: TableCalls) => Promise<unknown>][] = [
  ['GetItem', (calls) => calls.getItem({ TableName: 'ledger', Key, ConsistentRead: true })],
  [
    'PutItem',
    (calls) =>
      calls.putItem({
        TableName: 'ledger',
        Item,
        ConditionExpression: 'version = :version',
        ExpressionAttributeValues: { ':version': { N: '2' } },
      }),
  ],
  [
    'Query',
    (calls) =>
      calls.query({
        TableName: 'ledger',
        IndexName: 'due',
        KeyConditionExpression: 'dueShard = :shard',
        ExpressionAttributeValues: { ':shard': { S: 'D#01' } },
        ScanIndexForward: false,
        FilterExpression: undefined,
        ExclusiveStartKey: Key,
        Limit: 10,
      }),
  ],
];

describe('the ledger’s calls of functions and of the SDK', () => {
  it.each(CALLS)('send the same %s', async (_, call) => {
    const sentBy = async ({ server, calls }: Side) => {
      server.answerWith(json(200, {}));
      await call(calls);
      const { method, path, headers = {}, body = '' } = server.requests.at(-1) ?? {};
      const names = ['content-type', 'content-length', 'x-amz-target', 'amz-sdk-request'];
      return {
        ...{ method, path, body: JSON.parse(body) },
        isToServer: headers.host === new URL(server.url).host,
        headers: names.map((name) => headers[name]),
        signedFor: headers.authorization?.replace(/,.*/, ''),
      };
    };
    const request = await sentBy(ours);
    expect(request).toEqual(await sentBy(theirs));
    expect(request).toMatchObject({ isToServer: true, signedFor: expect.stringContaining('dynamodb') });
  });

  it('return the same items', async () => {
    const found = ({ server, calls }: Side) => {
      server.answerWith(json(200, { Item, ConsumedCapacity: null }));
      return calls.getItem({ TableName: 'ledger', Key });
    };
    for (const { Item: item } of [await found(ours), await found(theirs)]) expect(item).toEqual(Item);
    const page = { Items: [Item], LastEvaluatedKey: Key };
    for (const { server, calls } of [ours, theirs]) {
      server.answerWith(json(200, { ...page, Count: 1 }));
      expect(await calls.query({ TableName: 'ledger' })).toMatchObject(page);
    }
  });
});

const typed = (status: number, __type: unknown, more: object = {}) =>
  json(status, { __type, message: 'No.', ...more });

const REFUSALS: [string, ScriptedAnswer][] = [
  ...[
    'AccessDeniedException',
    'ConditionalCheckFailedException',
    'ExpiredTokenException',
    'InternalServerError',
    'ItemCollectionSizeLimitExceededException',
    'KMSInvalidStateException',
    'LimitExceededException',
    'ProvisionedThroughputExceededException',
    'RequestLimitExceeded',
    'ResourceNotFoundException',
    'SerializationException',
    'ThrottlingException',
    'TransactionConflictException',
    'UnrecognizedClientException',
    'ValidationException',
  ].map((type): [string, ScriptedAnswer] => [type, typed(400, `com.amazonaws.dynamodb.v20120810#${type}`)]),
  ['a name without a namespace', typed(400, 'ValidationException')],
  ['a name with a page about it', typed(400, 'ValidationException:http://internal.amazon.com/x/')],
  ['a name in the header', json(400, { message: 'No.' }, { 'x-amzn-errortype': 'ThrottlingException:' })],
  ['a 400 without a name', json(400, { message: 'No.' })],
  ['a 403 of no one', json(403, {})],
  ['a 429', json(429, { message: 'Slow.' })],
  ['a 500', typed(500, 'InternalServerError')],
  ['a 502 of a gateway', html(502)],
  ['a 503 of a gateway', html(503)],
  ['a 504 without a body', raw(504, undefined, '')],
  ['a 413 of a gateway', html(413)],
  ['a reset', reset],
  ['a response cut short', cutShort(200, 'application/x-amz-json-1.0', '{"Item":{')],
];

describe('the ledger’s calls of functions and of the SDK, after', () => {
  it.each(REFUSALS)('%s, fail alike', async (_, answer) => {
    const failureOf = async ({ server, calls }: Side) => {
      const before = server.requests.length;
      server.answerWith(answer);
      const error: unknown = await calls.getItem({ TableName: 'ledger', Key }).catch((thrown) => thrown);
      const failure = awsFailure('read', error);
      return {
        isError: error instanceof Error,
        tries: server.requests.length - before,
        waits: failure instanceof RetryableError && failure.waitsFor,
        said: failure instanceof RetryableError ? failure.said : undefined,
        // For the SDK, a page is a SyntaxError, and a response cut short has its status.
        message: failure.message.replace('SyntaxError', 'Unknown').replace(' (HTTP 200)', ''),
      };
    };
    const [failure, expected] = await Promise.all([failureOf(ours), failureOf(theirs)]);
    expect(failure).toEqual(expected);
    expect(failure).toMatchObject({ isError: true });
    expect(failure.tries).toBeGreaterThan(0);
  });

  it('a first failure that passes, succeed', async () => {
    for (const { server, calls } of [ours, theirs])
      for (const first of [reset, html(503), typed(400, 'ThrottlingException')]) {
        server.answerWith(first, json(200, { Item }));
        expect((await calls.getItem({ TableName: 'ledger', Key })).Item).toEqual(Item);
      }
  });
});

describe('the ledger’s calls of functions', () => {
  it.each([
    ['a page', html(200)],
    ['nothing', raw(200, 'application/x-amz-json-1.0', '')],
    ['a list', raw(200, 'application/x-amz-json-1.0', '[]')],
    ['null', raw(200, 'application/x-amz-json-1.0', 'null')],
    ['half an object', raw(200, 'application/x-amz-json-1.0', '{"Item":')],
  ])('take %s with status 200 for no answer, so the item waits', async (_, answer) => {
    ours.server.answerWith(answer);
    await expect(ours.calls.getItem({ TableName: 'ledger', Key })).rejects.toMatchObject({
      name: 'RetryableError',
      waitsFor: 'unreachable',
    });
  });

  it('sign each try anew, under one id', async () => {
    const { server, calls } = ours;
    const before = server.requests.length;
    server.answerWith(html(503), html(503), json(200, {}));
    await calls.putItem({ TableName: 'ledger', Item });
    const tries = server.requests.slice(before).map(({ headers }) => headers);
    expect(tries.map((headers) => headers['amz-sdk-request'])).toEqual([
      'attempt=1; max=3',
      'attempt=2; max=3',
      'attempt=3; max=3',
    ]);
    expect(new Set(tries.map(({ authorization }) => authorization)).size).toBe(3);
    expect(new Set(tries.map((headers) => headers['amz-sdk-invocation-id'])).size).toBe(1);
  });

  it('carry the token of the function’s session', async () => {
    const { server } = ours;
    const { credentials } = localAws(server.url);
    const calls = localTableCalls(server.url, {
      credentials: async () => ({ ...credentials, sessionToken: 'token' }),
    });
    server.answerWith(json(200, {}));
    await calls.getItem({ TableName: 'ledger', Key });
    const { headers = {} } = server.requests.at(-1) ?? {};
    expect(headers['x-amz-security-token']).toBe('token');
    expect(headers.authorization).toContain('x-amz-security-token');
  });

  it('give up a server that says nothing', async () => {
    const requestHandler = { requestTimeout: 50, throwOnRequestTimeout: true };
    const calls = localTableCalls(ours.server.url, { maxAttempts: 2, requestHandler });
    const before = ours.server.requests.length;
    ours.server.answerWith(silence);
    const failed = calls.getItem({ TableName: 'ledger', Key }).catch((error) => awsFailure('read', error));
    expect(await failed).toMatchObject({ name: 'RetryableError', waitsFor: 'unreachable' });
    expect(ours.server.requests.length - before).toBe(2);
  });
});
