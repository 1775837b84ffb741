import {
  GetSecretValueCommand,
  SecretsManagerClient,
  type SecretsManagerClientConfig,
} from '@aws-sdk/client-secrets-manager';
import { NotAllowed, RetryableError } from '../../domain/errors.ts';
import type { Clock } from '../../ports/ports.ts';
import { awsFailure } from '../aws/aws-failure.ts';
import { AWS_CLIENT_SETTINGS } from '../aws/client-settings.ts';
import { CALL_DEADLINES, DeadlineError, untilAborted, within } from './call-deadline.ts';

const KEPT_MS = 5 * 60_000;

/** Errors of Secrets Manager that last until a person corrects the secret. */
const MISSING: ReadonlySet<string> = new Set([
  'ResourceNotFoundException',
  'InvalidRequestException', // marked for deletion
  'DecryptionFailure',
  'AccessDeniedException',
]);

/** The location of a secret, and how long reading it may take. */
export interface SecretPlace {
  /** Name or ARN of the secret. */
  secretId: string;
  clock: Clock;
  /** The endpoint and region of Secrets Manager; a function takes them from its environment. */
  clientConfig?: SecretsManagerClientConfig;
  /** In milliseconds. */
  readMs?: number;
}

/** A value that is read from Secrets Manager and cached for five minutes. Errors: RetryableError; NotAllowed. */
export interface CachedSecret<Value> {
  current(): Promise<Value>;
  /** Reads the value again. */
  refresh(): Promise<Value>;
  /** When the value was last read, in milliseconds. Undefined before the first read, or if the last read failed. */
  readAt(): number | undefined;
}

/**
 * `parse`: returns the value in the secret's text. Its errors must not quote the text. `tried`: the first words of the
 * error messages.
 */
export function createCachedSecret<Value>(
  { secretId, clock, clientConfig = {}, readMs = CALL_DEADLINES.smallMs }: SecretPlace,
  parse: (text: string, tried: string) => Value,
): CachedSecret<Value> {
  let client: SecretsManagerClient | undefined;
  let known: { value: Promise<Value>; at: number } | undefined;

  const read = async (): Promise<Value> => {
    client ??= new SecretsManagerClient({ ...AWS_CLIENT_SETTINGS, ...clientConfig });
    const tried = `read the secret ${secretId}`;
    const send = client.send.bind(client);
    const call = (abortSignal: AbortSignal) =>
      untilAborted(abortSignal, send(new GetSecretValueCommand({ SecretId: secretId }), { abortSignal }));
    const response = await within(readMs, undefined, call).catch((error: unknown) => {
      throw failureOfSecret(tried, error);
    });
    return parse(response.SecretString ?? '', tried);
  };
  const refresh = (): Promise<Value> => {
    const fetched = { value: read(), at: clock.now() };
    known = fetched;
    fetched.value.catch(() => {
      if (known === fetched) known = undefined; // do not cache a failure
    });
    return fetched.value;
  };
  return {
    current: () => (known !== undefined && clock.now() < known.at + KEPT_MS ? known.value : refresh()),
    refresh,
    readAt: () => known?.at,
  };
}

/**
 * Any error of Secrets Manager that is not known to be temporary means that there is no key. The items wait, and an
 * alarm reports it.
 */
function failureOfSecret(tried: string, error: unknown): RetryableError | NotAllowed {
  const name = error instanceof Error ? error.name : '';
  if (MISSING.has(name)) return new NotAllowed(`${tried}: ${name}`, { cause: error });
  const failure = awsFailure(tried, error);
  if (error instanceof DeadlineError || failure instanceof RetryableError) {
    const message = error instanceof DeadlineError ? `${tried}: ${error.message}` : failure.message;
    return new RetryableError(message, { waitsFor: 'unreachable', cause: error });
  }
  return failure instanceof NotAllowed ? failure : new NotAllowed(failure.message, { cause: error });
}

/** Returns the fields of a secret that is JSON. Errors: NotAllowed, whose message does not quote the secret. */
export function jsonFields(text: string, tried: string): Record<string, unknown> {
  try {
    const fields: Record<string, unknown> = { ...JSON.parse(text) };
    return fields;
  } catch {
    throw new NotAllowed(`${tried}: it begins with "{" but is not valid JSON`); // no cause: it would quote it
  }
}
