import type { S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readObject } from '../../../functions/shared/adapters/s3/object.ts';
import { openS3Client } from '../../../functions/shared/adapters/s3/open-client.ts';
import { LOCAL_ACCOUNT } from '../../../local/aws/protocol/aws-service.ts';
import { localAws } from '../ledger/local-dynamodb.ts';
import { type ScriptedServer, startScriptedServer } from '../openai/scripted-server.ts';
import { bytesOf } from './bytes.ts';

let server: ScriptedServer;
let client: S3Client;
beforeEach(async () => {
  server = await startScriptedServer();
  client = openS3Client({ ...localAws(server.url), forcePathStyle: true, maxAttempts: 1 });
});
afterEach(async () => {
  client.destroy();
  await server.close();
});

const place = { bucket: 'requests', key: 'a.jsonl', owner: LOCAL_ACCOUNT };
const object = '0123456789';
const read = (range: { start: number; end: number }) => bytesOf(readObject(client, place, range));

function answer(status: number, contentRange: string | undefined, body: string): void {
  const headers = {
    etag: '"e"',
    'content-length': body.length,
    ...(contentRange === undefined ? {} : { 'content-range': contentRange }),
  };
  server.answerWith((response) => void response.writeHead(status, headers).end(body));
}

it('a range is read if the response is this range, or as much of it as exists', async () => {
  answer(206, 'bytes 2-4/10', '234');
  expect((await read({ start: 2, end: 5 })).toString()).toBe('234');
  answer(206, 'bytes 8-9/10', '89');
  expect((await read({ start: 8, end: 50 })).toString()).toBe('89');
});

it.each([
  ['ignores the range', 200, undefined, object],
  ['ignores the range, and says so', 200, 'bytes 0-9/10', object],
  ['states no range', 206, undefined, '234'],
  ['sends another range', 206, 'bytes 3-5/10', '345'],
  ['sends a longer range', 206, 'bytes 2-5/10', '2345'],
  ['sends another length than it states', 206, 'bytes 2-4/10', '23'],
  ['states an invalid range', 206, 'bytes */10', '234'],
] as const)('a range is not accepted from a server that %s', async (_, status, contentRange, body) => {
  answer(status, contentRange, body);
  await expect(read({ start: 2, end: 5 })).rejects.toMatchObject({ name: 'RetryableError' });
});
