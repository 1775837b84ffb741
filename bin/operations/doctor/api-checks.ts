import { DescribeSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { ApiKeySource } from '../../../functions/shared/adapters/openai/api-key.ts';
import { createOpenAiBatchApi } from '../../../functions/shared/adapters/openai/batch-api.ts';
import { NotAllowed } from '../../../functions/shared/domain/errors.ts';
import type { BatchPage } from '../../../functions/shared/ports/ports.ts';
import { apiKeysOf } from '../../connection/api-keys.ts';
import { isMissingSecret } from '../../connection/put-secret.ts';
import { serverTime } from '../../connection/server-time.ts';
import type { ApiNames } from '../../connection/stack-names.ts';
import { clientConfigAt, type Target } from '../../connection/target.ts';
import { timeShown } from '../../terminal/amounts.ts';
import { failed, note, ok, type Verdict } from '../finding.ts';
import type { Subject } from './subject.ts';

const API_TIMEOUT_MS = 15_000; // a person waits for the result
const MAX_SKEW_MS = 60_000; // AWS accepts five minutes, but a clock that is wrong by one will soon be wrong by more

export async function secretIsReadable({ connection: { target }, secret, api }: Subject): Promise<Verdict> {
  const missing = await secretProblem(target, secret);
  if (missing !== undefined) return missing;
  const keys = target.kind === 'local' || !api ? undefined : apiKeysOf(target, api);
  if (!api || keys === undefined) return ok(`${secret} exists`); // on one machine, only the functions can read it
  return accepted(api, `${secret} contains a key`, () => keys.current());
}

export async function keyIsAccepted(subject: Subject): Promise<Verdict> {
  const { api, connection } = subject;
  if (!api) return note('not checked: the console reads no secrets', 'To check it: batchdrop doctor');
  const { target } = connection;
  const { host } = new URL(api.baseUrl);
  const keys = apiKeysOf(target, api);
  const unknown = note(
    `not checked at ${host}: only the functions can read it`,
    'If the API rejects the key, batchdrop up prints why.',
  );
  if (keys === undefined) return unknown;
  const asked = async () => listOne(api.baseUrl, keys);
  if (target.kind === 'account') return accepted(api, `${host} accepts it`, asked);
  try {
    await asked();
    return ok(`${host} accepts it`);
  } catch (failure) {
    return failure instanceof NotAllowed ? unknown : unreachable(api, failure); // the server accepts one key only
  }
}

/** Compares the clocks of this machine, AWS and the API. */
export async function clocksAgree({ connection, api }: Subject): Promise<Verdict> {
  const { target } = connection;
  if (target.kind === 'local') return ok('the runtime has its own clock, which may be ahead');
  const awsMs = await serverTime(connection);
  const skewMs = Math.abs(Date.now() - awsMs);
  if (skewMs > MAX_SKEW_MS)
    return failed(
      `this machine is off by ${timeShown(skewMs)}`,
      'Synchronize the clock with NTP, for example: sudo chronyc makestep. AWS rejects requests with a wrong time.',
    );
  const keys = api && apiKeysOf(target, api);
  if (!api || !keys) return ok('this machine and AWS agree');
  const answeredAt = (await listOne(api.baseUrl, keys).catch(() => undefined))?.answeredAt;
  if (answeredAt === undefined) return ok('this machine and AWS agree');
  const apiSkewMs = Math.abs(answeredAt - awsMs);
  if (apiSkewMs <= MAX_SKEW_MS) return ok('this machine, AWS and the API agree');
  return note(
    `the clock of ${new URL(api.baseUrl).host} is off by ${timeShown(apiSkewMs)}`,
    'Batchdrop allows for it. If the API is a gateway of yours, synchronize its clock with NTP.',
  );
}

async function secretProblem(target: Target, secret: string): Promise<Verdict | undefined> {
  const client = new SecretsManagerClient(clientConfigAt(target));
  try {
    const { DeletedDate } = await client.send(new DescribeSecretCommand({ SecretId: secret }));
    if (DeletedDate === undefined) return undefined;
    return failed(
      `${secret} is scheduled for deletion`,
      `aws secretsmanager restore-secret --secret-id ${secret}`,
    );
  } catch (failure) {
    if (!isMissingSecret(failure)) throw failure;
    return failed(
      `there is no secret ${secret}, so nothing can be sent`,
      secret.startsWith('arn:')
        ? 'The stack names it by its ARN: create it where it is defined, then deploy again.'
        : 'To create it with the key of the API: batchdrop key set',
    );
  } finally {
    client.destroy();
  }
}

function listOne(baseUrl: string, keys: ApiKeySource): Promise<BatchPage> {
  return createOpenAiBatchApi({ baseUrl, keys, deadlines: { smallMs: API_TIMEOUT_MS } }).listBatches({
    limit: 1,
  });
}

async function accepted(api: ApiNames, found: string, call: () => Promise<unknown>): Promise<Verdict> {
  try {
    await call();
    return ok(found);
  } catch (failure) {
    if (!(failure instanceof NotAllowed)) return unreachable(api, failure);
    if (/AccessDenied/.test(failure.message))
      return failed(
        failure.message,
        `You, or the key that encrypts the secret, do not permit it. This check needs secretsmanager:GetSecretValue on ${api.secret}.`,
      );
    return failed(failure.message, 'To store a valid key of the same account: batchdrop key set');
  }
}

function unreachable({ baseUrl }: ApiNames, failure: unknown): Verdict {
  return failed(
    `${new URL(baseUrl).host} gave no usable answer to this machine: ${failure instanceof Error ? failure.message : failure}`,
    `Compare: curl -sS -o /dev/null -w '%{http_code}\\n' ${baseUrl}/models (401 is good: the API is there). Then check the network, the proxy, and the prop baseUrl.`,
  );
}
