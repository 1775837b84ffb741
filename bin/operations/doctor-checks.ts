/**
 * The health checks of `batchdrop doctor`. They check a Batchdrop from outside, with the permissions of the caller.
 * Each check returns one finding, with advice if it failed. A check that throws does not prevent the others.
 *
 * Known gaps: the permissions of the functions and the state of the event source mappings are not checked.
 */
import { GetBucketNotificationConfigurationCommand, GetBucketVersioningCommand } from '@aws-sdk/client-s3';
import { GetScheduleCommand, SchedulerClient } from '@aws-sdk/client-scheduler';
import { DescribeSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { ApiKeySource } from '../../functions/shared/adapters/openai/api-key.ts';
import { createOpenAiBatchApi } from '../../functions/shared/adapters/openai/batch-api.ts';
import { NotAllowed } from '../../functions/shared/domain/errors.ts';
import type { StalledItem } from '../../functions/shared/domain/ledger-records.ts';
import { CREATE_UNCERTAIN } from '../../functions/shared/domain/spending/unresolved-creates.ts';
import { apiKeysOf } from '../connection/api-keys.ts';
import type { Connection } from '../connection/connection.ts';
import { serverTime } from '../connection/server-time.ts';
import { type ApiNames, apiKeySecretOf, apiOf } from '../connection/stack-names.ts';
import { resourcesOf } from '../connection/stack-resources.ts';
import { clientConfigAt, stackIn, type Target } from '../connection/target.ts';
import { counted, timeShown } from '../terminal/amounts.ts';
import { sentenceOf } from '../terminal/failure.ts';
import { countDeadLetters, DEAD_LETTER_QUEUES, type QueueName } from './dead-letters.ts';
import { type Finding, failed, note, ok, type Verdict } from './finding.ts';
import { webhookFindings } from './webhook/checks.ts';

interface Subject {
  readonly connection: Connection;
  /** Of the API key: a name or an ARN. */
  readonly secret: string;
  /** Absent if the API key must not be read. */
  readonly api: ApiNames | undefined;
  readonly resources: ReadonlyMap<string, string>;
}

type Check = (subject: Subject) => Promise<Verdict>;

const API_TIMEOUT_MS = 15_000; // a person waits for the result
const MAX_SKEW_MS = 60_000; // AWS accepts five minutes, but a clock that is wrong by one will soon be wrong by more
const MAX_TICKS_LATE = 3;
const MAX_STALLED_SHOWN = 3;

const CHECKS: Readonly<Record<string, Check>> = {
  secret: secretIsReadable,
  'API key': keyIsAccepted,
  'request bucket': bucketIsConfigured,
  schedule: scheduleIsOn,
  'last tick': tickIsRecent,
  clock: clocksAgree,
  submission: isNotPaused,
  account: accountIsAccepted,
  stalled: nothingIsStalled,
  ...Object.fromEntries(
    (Object.keys(DEAD_LETTER_QUEUES) as QueueName[]).map((name) => [`DLQ ${name}`, hasNoDeadLetters(name)]),
  ),
};

/**
 * Runs every check in order and yields each finding when it is known. The stack itself exists, because the connection
 * has its outputs. With `readsSecrets: false`, nothing that needs the API key or a signing secret is checked.
 */
export async function* diagnose(
  connection: Connection,
  { readsSecrets = true }: { readonly readsSecrets?: boolean } = {},
): AsyncGenerator<Finding> {
  const { target } = connection;
  const api = readsSecrets ? await apiOf(target) : undefined;
  const secret = api?.secret ?? (await apiKeySecretOf(target));
  const resources = await resourcesOf(target);
  const where = target.kind === 'local' ? target.url : `stack ${stackIn(target)}`;
  yield { check: 'stack', verdict: 'ok', found: `${where} with ${resources.size} resources` };
  for (const [check, run] of Object.entries(CHECKS)) {
    const found = await run({ connection, secret, api, resources }).catch((failure: unknown) =>
      failed('could not be checked', sentenceOf(failure)),
    );
    yield { check, ...found };
  }
  if (readsSecrets) yield* webhookFindings(connection);
}

async function secretIsReadable({ connection: { target }, secret, api }: Subject) {
  const keys = target.kind === 'local' || !api ? undefined : apiKeysOf(target, api);
  if (!api || keys === undefined) return secretExists(target, secret);
  return accepted(api, `${secret} contains a key`, () => keys.current());
}

/** On one machine, only the functions can read the secret. */
async function secretExists(target: Target, secret: string) {
  const client = new SecretsManagerClient(clientConfigAt(target));
  try {
    await client.send(new DescribeSecretCommand({ SecretId: secret }));
    return ok(`${secret} exists`);
  } finally {
    client.destroy();
  }
}

async function keyIsAccepted({ connection: { target }, api }: Subject) {
  if (!api) return note('not checked: the console reads no secrets', 'To check it: batchdrop doctor');
  const { host } = new URL(api.baseUrl);
  const keys = apiKeysOf(target, api);
  const unknown = {
    verdict: 'note' as const,
    found: `not checked at ${host}: only the functions can read it`,
    advice: 'If the API rejects the key, batchdrop up prints why.',
  };
  if (keys === undefined) return unknown;
  if (target.kind === 'account') return accepted(api, `${host} accepts it`, () => listOne(api.baseUrl, keys));
  try {
    await listOne(api.baseUrl, keys);
    return ok(`${host} accepts it`);
  } catch (failure) {
    if (failure instanceof NotAllowed) return unknown; // the server accepts one key only
    throw failure;
  }
}

function listOne(baseUrl: string, keys: ApiKeySource) {
  return createOpenAiBatchApi({ baseUrl, keys, deadlines: { smallMs: API_TIMEOUT_MS } }).listBatches({
    limit: 1,
  });
}

async function accepted({ secret }: ApiNames, found: string, call: () => Promise<unknown>) {
  try {
    await call();
    return ok(found);
  } catch (failure) {
    if (!(failure instanceof NotAllowed)) throw failure;
    return failed(
      failure.message,
      `Store a valid key of the same account: aws secretsmanager put-secret-value --secret-id ${secret} --secret-string file://key.txt`,
    );
  }
}

async function bucketIsConfigured({ connection: { s3, names } }: Subject) {
  const Bucket = names.requestBucket;
  const { Status } = await s3.send(new GetBucketVersioningCommand({ Bucket }));
  const { EventBridgeConfiguration } = await s3.send(
    new GetBucketNotificationConfigurationCommand({ Bucket }),
  );
  const unfit = [
    {
      isUnfit: Status !== 'Enabled',
      found: 'versioning is off, so every file is rejected',
      advice: `aws s3api put-bucket-versioning --bucket ${Bucket} --versioning-configuration Status=Enabled`,
    },
    {
      isUnfit: EventBridgeConfiguration === undefined,
      found: 'sends no events to EventBridge, so no file is noticed',
      advice: `Turn on "Amazon EventBridge" in the properties of ${Bucket}, then upload the files again.`,
    },
  ].filter(({ isUnfit }) => isUnfit);
  if (unfit.length === 0) return ok('versioning is on, events go to EventBridge');
  const together = (said: 'found' | 'advice') => unfit.map((one) => one[said]).join('; ');
  return failed(together('found'), together('advice'));
}

async function scheduleIsOn(subject: Subject) {
  const { State, ScheduleExpression } = await scheduleOf(subject);
  if (State === 'ENABLED') return ok(`on, ${ScheduleExpression}`);
  return failed(
    `${State}, so POLL does not run`,
    'Enable the schedule in EventBridge Scheduler, or deploy again.',
  );
}

async function tickIsRecent(subject: Subject) {
  const { connection } = subject;
  const { tickedAt } = await connection.ledger.readControl();
  if (tickedAt === undefined) {
    return failed(
      'POLL has not completed a run',
      "After a deployment, wait a minute. Then check POLL's log.",
    );
  }
  const ageMs = Math.max(0, (await serverTime(connection)) - tickedAt);
  const found = `${timeShown(ageMs)} ago`;
  if (ageMs <= MAX_TICKS_LATE * intervalMs(await scheduleOf(subject))) return ok(found);
  return failed(found, "Check the schedule and POLL's log: docs/operations.md#pollheartbeat");
}

async function scheduleOf({ connection: { target }, resources }: Subject) {
  const scheduler = new SchedulerClient(clientConfigAt(target));
  try {
    return await scheduler.send(new GetScheduleCommand({ Name: resources.get('PollingTick') }));
  } finally {
    scheduler.destroy();
  }
}

function intervalMs({ ScheduleExpression = '' }: { ScheduleExpression?: string | undefined }): number {
  const [, count = '1', unit] = /^rate\((\d+) (minute|hour)s?\)$/.exec(ScheduleExpression) ?? [];
  return Number(count) * (unit === 'hour' ? 3_600_000 : 60_000);
}

async function clocksAgree({ connection }: Subject) {
  if (connection.target.kind === 'local') return ok('the runtime has its own clock, which may be ahead');
  const skewMs = Math.abs(Date.now() - (await serverTime(connection)));
  if (skewMs <= MAX_SKEW_MS) return ok('this machine and AWS agree');
  return failed(
    `this machine is off by ${timeShown(skewMs)}`,
    'Synchronize the clock with NTP: AWS rejects requests with a wrong time.',
  );
}

async function isNotPaused({ connection: { ledger } }: Subject) {
  const { paused } = await ledger.readControl();
  if (!paused) return ok('not paused');
  return {
    verdict: 'note' as const,
    found: 'paused: Batchdrop sends nothing new',
    advice: 'To resume: batchdrop resume',
  };
}

async function accountIsAccepted({ connection: { ledger } }: Subject) {
  const { breakers = [] } = await ledger.readControl();
  const [first] = breakers;
  if (!first) return ok('the API refuses no uploads or batches');
  const { said, since, open } = first;
  const what = `${first.operation === 'upload' ? 'uploads' : 'new batches'} refused (${first.for}) since ${new Date(since).toISOString()}`;
  const others = open ? '; all parts wait, and one at a time tries again' : '';
  return failed(`${what}: ${said}${others}`, 'Fix the account: docs/operations.md#accountrefused');
}

async function nothingIsStalled({ connection }: Subject) {
  const stalled = await connection.queries.listStalled();
  if (stalled.length === 0) return ok('nothing');
  const shown = stalled.slice(0, MAX_STALLED_SHOWN).map(stalledText).join('; ');
  const more = stalled.length > MAX_STALLED_SHOWN ? `; and ${stalled.length - MAX_STALLED_SHOWN} more` : '';
  const isUncertain = stalled.some(({ reason }) => reason.code === CREATE_UNCERTAIN);
  const advice = isUncertain
    ? 'Search for the batches at the API, then: batchdrop release JOB (docs/operations.md#createuncertain)'
    : 'Find out why the step fails: docs/operations.md#stalled';
  return failed(`${shown}${more}`, advice);
}

function stalledText(item: StalledItem): string {
  const part = item.kind === 'part' ? ` part ${item.number}` : '';
  return `job ${item.jobId}${part}: ${item.reason.message}`;
}

function hasNoDeadLetters(name: QueueName): Check {
  return async ({ connection: { sqs }, resources }) => {
    const count = await countDeadLetters({ sqs, resources }, name);
    if (count === 0) return ok('empty');
    return failed(counted(count, 'message', 'messages'), `Fix the cause, then: batchdrop redrive ${name}`);
  };
}
