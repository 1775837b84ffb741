import {
  CreateSecretCommand,
  PutSecretValueCommand,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';

/** What to store. `first`: the value of a secret that does not exist yet, if it is another one. */
interface NewValue {
  readonly value: string;
  readonly first?: string;
  readonly description: string;
}

/**
 * Stores a value in a secret, given by name or ARN, and creates the secret if there is none. The old value stays as the
 * version AWSPREVIOUS. Errors: those of Secrets Manager.
 */
export async function putSecret(
  client: SecretsManagerClient,
  id: string,
  { value, first = value, description }: NewValue,
): Promise<'created' | 'changed'> {
  if (await changeSecret(client, id, value)) return 'changed';
  try {
    await client.send(new CreateSecretCommand({ Name: id, SecretString: first, Description: description }));
    return 'created';
  } catch (error) {
    // Another process has created it in the meantime.
    if (errorName(error) !== 'ResourceExistsException' || !(await changeSecret(client, id, first)))
      throw error;
    return 'changed';
  }
}

/** Stores a value. Returns false if there is no such secret. */
export async function changeSecret(
  client: SecretsManagerClient,
  id: string,
  SecretString: string,
): Promise<boolean> {
  try {
    await client.send(new PutSecretValueCommand({ SecretId: id, SecretString }));
    return true;
  } catch (error) {
    if (isMissingSecret(error)) return false;
    throw error;
  }
}

/** Returns whether the error says that there is no such secret. */
export function isMissingSecret(error: unknown): boolean {
  return errorName(error) === 'ResourceNotFoundException';
}

/** Returns the name of an error of AWS. */
export function errorName(error: unknown): string {
  return error instanceof Error ? error.name : '';
}
