import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../../clock.ts';
import { ACCOUNT_OWNER, type Caller } from '../iam/caller.ts';
import { AwsError } from '../protocol/aws-error.ts';
import type { AwsService } from '../protocol/aws-service.ts';
import type { Input } from '../protocol/input.ts';
import { type JsonProtocol, type Operation, serveJson } from '../protocol/json-protocol.ts';
import { partialSecretArn, secretArn, secretNameOf } from './secret-arn.ts';

interface Secret {
  readonly name: string;
  readonly value: string;
  readonly versionId: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly changedAt: number;
}

/**
 * Secrets Manager on the endpoint. Values are kept only in memory, so that a real key is never written to disk. The
 * runtime creates its secrets at each start. Secrets that a program creates are lost with the process.
 */
export class SecretsEngine implements AwsService {
  readonly signingName = 'secretsmanager';
  readonly #clock: Clock;
  readonly #secrets = new Map<string, Secret>();
  readonly #readByFunctions = new Set<string>();
  readonly #protocol: JsonProtocol;

  constructor(options: { clock: Clock }) {
    this.#clock = options.clock;
    this.#protocol = {
      signingName: this.signingName,
      contentType: 'application/x-amz-json-1.1',
      targetPrefix: 'secretsmanager',
      missingFieldCode: 'InvalidParameterException',
      operations: this.#operations(),
    };
  }

  /** Creates the secret or changes its value. Returns its ARN. */
  putSecret(name: string, value: string): string {
    if (!/^(arn:aws:secretsmanager:[\w-]*:\d*:secret:)?[A-Za-z0-9/_+=.@-]{1,512}$/.test(name)) {
      throw new AwsError(
        'InvalidParameterException',
        'The name of a secret may have only letters, digits and /_+=.@-',
      );
    }
    const now = this.#clock.now();
    const createdAt = this.#secrets.get(name)?.createdAt ?? now;
    this.#secrets.set(name, { name, value, versionId: randomUUID(), createdAt, changedAt: now });
    return secretArn(name);
  }

  /** Does the same for a secret, given by name or ARN, whose value only functions may read, as their policies allow. */
  putFunctionSecret(id: string, value: string): string {
    const name = secretNameOf(id);
    this.#readByFunctions.add(name);
    return this.putSecret(name, value);
  }

  handle(request: IncomingMessage, response: ServerResponse, caller: Caller = ACCOUNT_OWNER): Promise<void> {
    return serveJson(this.#protocol, request, response, caller);
  }

  async close(): Promise<void> {
    this.#secrets.clear();
  }

  #operations(): Record<string, Operation> {
    return {
      GetSecretValue: (input, { caller }) => {
        const secret = this.#find(input);
        if (caller === ACCOUNT_OWNER && this.#readByFunctions.has(secret.name)) throw readByFunctions(secret);
        refuseOtherVersion(input, secret);
        return { ...identity(secret), CreatedDate: secret.changedAt / 1000, SecretString: secret.value };
      },
      DescribeSecret: (input) => {
        const secret = this.#find(input);
        return {
          ARN: secretArn(secret.name),
          Name: secret.name,
          CreatedDate: secret.createdAt / 1000,
          LastChangedDate: secret.changedAt / 1000,
          VersionIdsToStages: { [secret.versionId]: ['AWSCURRENT'] },
        };
      },
      CreateSecret: (input) => {
        const name = input.text('Name');
        if (this.#secrets.has(name)) {
          throw new AwsError('ResourceExistsException', `The secret ${name} already exists.`);
        }
        this.putSecret(name, valueIn(input));
        return identity(this.#secret(name));
      },
      PutSecretValue: (input) => {
        const { name } = this.#find(input);
        this.putSecret(name, valueIn(input));
        return identity(this.#secret(name));
      },
      DeleteSecret: (input) => {
        const { name } = this.#find(input);
        if (input.optionalBoolean('ForceDeleteWithoutRecovery') !== true) {
          throw new AwsError(
            'InvalidParameterException',
            'Only ForceDeleteWithoutRecovery is implemented here: a deleted secret cannot be restored.',
          );
        }
        this.#secrets.delete(name);
        return { ARN: secretArn(name), Name: name, DeletionDate: this.#clock.now() / 1000 };
      },
    };
  }

  /** Finds a secret by name, by ARN, or by ARN without its suffix, as AWS does. */
  #find(input: Input): Secret {
    const id = input.text('SecretId');
    const known = [...this.#secrets.keys()];
    return this.#secret(known.find((name) => id === secretArn(name) || id === partialSecretArn(name)) ?? id);
  }

  #secret(name: string): Secret {
    const secret = this.#secrets.get(name);
    if (secret !== undefined) return secret;
    throw new AwsError('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
  }
}

function readByFunctions({ name }: Secret): AwsError {
  return new AwsError(
    'AccessDeniedException',
    `Only the functions may read the secret ${name} of this endpoint.`,
  );
}

function identity({ name, versionId }: Secret): object {
  return { ARN: secretArn(name), Name: name, VersionId: versionId, VersionStages: ['AWSCURRENT'] };
}

function valueIn(input: Input): string {
  if (input.has('SecretBinary')) {
    throw new AwsError('InvalidParameterException', 'SecretBinary is not implemented here.');
  }
  return input.text('SecretString');
}

/** Only the current version is kept. */
function refuseOtherVersion(input: Input, secret: Secret): void {
  const stage = input.optionalText('VersionStage') ?? 'AWSCURRENT';
  const versionId = input.optionalText('VersionId') ?? secret.versionId;
  if (stage === 'AWSCURRENT' && versionId === secret.versionId) return;
  throw new AwsError(
    'ResourceNotFoundException',
    "Secrets Manager can't find the specified secret value: only the current version is kept here.",
  );
}
