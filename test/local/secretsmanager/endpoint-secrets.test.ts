import {
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  RestoreSecretCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Endpoint, startEndpoint } from '../../../local/aws/protocol/endpoint.ts';
import { SecretsEngine } from '../../../local/aws/secretsmanager/engine.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';
import { clientConfig } from '../endpoint/client-config.ts';

const secrets = new SecretsEngine({ clock: new ManualClock() });
let endpoint: Endpoint;
let client: SecretsManagerClient;

beforeAll(async () => {
  endpoint = await startEndpoint({ services: [secrets], port: 0 });
  client = new SecretsManagerClient(clientConfig(endpoint.url));
});

afterAll(async () => {
  client.destroy();
  await endpoint.close();
  await secrets.close();
});

const secretString = async (SecretId: string) =>
  (await client.send(new GetSecretValueCommand({ SecretId }))).SecretString;

describe('a secret', () => {
  it('of the runtime is read by name, by ARN, and by ARN without the suffix', async () => {
    const arn = secrets.putSecret('batchdrop/openai', 'first');
    expect(arn).toMatch(
      /^arn:aws:secretsmanager:us-east-1:000000000000:secret:batchdrop\/openai-[a-z0-9]{6}$/,
    );
    for (const id of ['batchdrop/openai', arn, arn.slice(0, -7)])
      expect(await secretString(id)).toBe('first');
  });

  it('has a new value and version with the same ARN after a change', async () => {
    const arn = secrets.putSecret('rotated', 'old');
    const before = await client.send(new GetSecretValueCommand({ SecretId: arn }));
    const put = await client.send(new PutSecretValueCommand({ SecretId: arn, SecretString: 'new' }));
    const after = await client.send(new GetSecretValueCommand({ SecretId: arn }));
    expect(after).toMatchObject({
      ARN: arn,
      SecretString: 'new',
      VersionId: put.VersionId,
      VersionStages: ['AWSCURRENT'],
    });
    expect(after.VersionId).not.toBe(before.VersionId);
    const old = client.send(new GetSecretValueCommand({ SecretId: arn, VersionStage: 'AWSPREVIOUS' }));
    await expect(old).rejects.toThrow(expect.objectContaining({ name: 'ResourceNotFoundException' }));
  });

  it('can be created only once', async () => {
    const create = () => client.send(new CreateSecretCommand({ Name: 'created', SecretString: 'x' }));
    const { ARN } = await create();
    expect(await secretString('created')).toBe('x');
    await expect(create()).rejects.toThrow(expect.objectContaining({ name: 'ResourceExistsException' }));
    const described = await client.send(new DescribeSecretCommand({ SecretId: 'created' }));
    expect(described).toMatchObject({ ARN, Name: 'created' });
    expect(described).not.toHaveProperty('SecretString');
  });

  it('can be deleted without recovery, and its name is free at once', async () => {
    const SecretId = 'short-lived';
    await client.send(new CreateSecretCommand({ Name: SecretId, SecretString: 'x' }));
    const later = client.send(new DeleteSecretCommand({ SecretId }));
    await expect(later).rejects.toThrow(expect.objectContaining({ name: 'InvalidParameterException' }));
    expect(await secretString(SecretId)).toBe('x');
    await client.send(new DeleteSecretCommand({ SecretId, ForceDeleteWithoutRecovery: true }));
    await expect(secretString(SecretId)).rejects.toThrow(
      expect.objectContaining({ name: 'ResourceNotFoundException' }),
    );
    await client.send(new CreateSecretCommand({ Name: SecretId, SecretString: 'y' }));
    expect(await secretString(SecretId)).toBe('y');
  });

  it('that does not exist fails with the error name that the functions expect', async () => {
    await expect(secretString('nowhere')).rejects.toThrow(
      expect.objectContaining({ name: 'ResourceNotFoundException' }),
    );
    await expect(
      client.send(new PutSecretValueCommand({ SecretId: 'nowhere', SecretString: 'x' })),
    ).rejects.toThrow(expect.objectContaining({ name: 'ResourceNotFoundException' }));
  });

  it('without a value fails, and so does an operation that is not implemented', async () => {
    await expect(client.send(new CreateSecretCommand({ Name: 'empty' }))).rejects.toThrow(
      expect.objectContaining({ name: 'InvalidParameterException' }),
    );
    await expect(client.send(new RestoreSecretCommand({ SecretId: 'created' }))).rejects.toThrow(
      expect.objectContaining({ name: 'NotImplemented', message: expect.stringContaining('RestoreSecret') }),
    );
  });
});
