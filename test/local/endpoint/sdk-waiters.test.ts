import {
  CreateTableCommand,
  DeleteTableCommand,
  waitUntilTableExists,
  waitUntilTableNotExists,
} from '@aws-sdk/client-dynamodb';
import {
  DeleteObjectCommand,
  PutObjectCommand,
  waitUntilBucketExists,
  waitUntilBucketNotExists,
  waitUntilObjectExists,
  waitUntilObjectNotExists,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SdkEndpoint, startSdkEndpoint } from './sdk-endpoint.ts';

let sdk: SdkEndpoint;

beforeAll(async () => {
  sdk = await startSdkEndpoint();
});

afterAll(() => sdk.close());

const PATIENT = { maxWaitTime: 30, minDelay: 0.05, maxDelay: 0.05 };
const IMPATIENT = { maxWaitTime: 0.2, minDelay: 0.05, maxDelay: 0.05 };
const SUCCESS = { state: 'SUCCESS' };

/** Checks that a wait times out before `act`, and that waits during and after it succeed. */
async function endsAWait(
  wait: (patience: typeof PATIENT) => Promise<object>,
  act: () => Promise<unknown>,
): Promise<void> {
  await expect(wait(IMPATIENT)).rejects.toMatchObject({ name: 'TimeoutError' });
  const waiting = wait(PATIENT);
  await act();
  await expect(waiting).resolves.toMatchObject(SUCCESS);
  await expect(wait(IMPATIENT)).resolves.toMatchObject(SUCCESS);
}

describe('the SDK waits for', () => {
  const Bucket = 'waiters';
  const object = { Bucket, Key: 'in/späte datei.jsonl' };

  it('a bucket until it exists', async () => {
    await endsAWait(
      (patience) => waitUntilBucketExists({ client: sdk.s3, ...patience }, { Bucket }),
      () => sdk.createBucket(Bucket),
    );
  });

  it('an object until it exists', async () => {
    await endsAWait(
      (patience) => waitUntilObjectExists({ client: sdk.s3, ...patience }, object),
      () => sdk.s3.send(new PutObjectCommand({ ...object, Body: 'x' })),
    );
  });

  it('an object until it is gone', async () => {
    await endsAWait(
      (patience) => waitUntilObjectNotExists({ client: sdk.s3, ...patience }, object),
      () => sdk.s3.send(new DeleteObjectCommand(object)),
    );
  });

  it('the absence of a bucket, and times out if the bucket exists', async () => {
    const wait = (name: string) =>
      waitUntilBucketNotExists({ client: sdk.s3, ...IMPATIENT }, { Bucket: name });
    await expect(wait('never')).resolves.toMatchObject(SUCCESS);
    await expect(wait(Bucket)).rejects.toMatchObject({ name: 'TimeoutError' });
  });

  const TableName = 'waiting';

  it('a table until it is active', async () => {
    await endsAWait(
      (patience) => waitUntilTableExists({ client: sdk.dynamoDb, ...patience }, { TableName }),
      () =>
        sdk.dynamoDb.send(
          new CreateTableCommand({
            TableName,
            BillingMode: 'PAY_PER_REQUEST',
            KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
            AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
          }),
        ),
    );
  });

  it('a table until it is gone', async () => {
    await endsAWait(
      (patience) => waitUntilTableNotExists({ client: sdk.dynamoDb, ...patience }, { TableName }),
      () => sdk.dynamoDb.send(new DeleteTableCommand({ TableName })),
    );
  });
});
