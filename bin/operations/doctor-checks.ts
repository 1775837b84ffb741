/**
 * What has to be right for a Batchdrop to work, looked at from outside with the caller's own permissions. Each check is a line
 * that says what was found, and what to do if it is not right; one that fails keeps no other from being made.
 *
 * Known gaps: whether the functions' own roles may do the same is not seen from here; nor whether event source mappings are
 * on.
 */
import { GetBucketNotificationConfigurationCommand, GetBucketVersioningCommand } from '@aws-sdk/client-s3';
import { GetScheduleCommand, SchedulerClient } from '@aws-sdk/client-scheduler';
import { createOpenAiBatchApi } from '../../functions/shared/adapters/openai/batch-api.ts';
import { createSecretApiKey } from '../../functions/shared/adapters/openai/secret-api-key.ts';
import { NotAllowed } from '../../functions/shared/domain/errors.ts';
import type { StalledItem } from '../../functions/shared/domain/ledger-records.ts';
import type { Connection } from '../connection/connection.ts';
import { serverTime } from '../connection/server-time.ts';
import { type ApiNames, apiOf } from '../connection/stack-names.ts';
import { resourcesOf } from '../connection/stack-resources.ts';
import { clientConfigAt, stackIn } from '../connection/target.ts';
import { counted, timeShown } from '../terminal/amounts.ts';
import { sentenceOf } from '../terminal/failure.ts';
import { countDeadLetters, DEAD_LETTER_QUEUES, type QueueName } from './dead-letters.ts';

/** One line of a diagnosis. `note` is worth knowing and nothing wrong. */
export interface Finding {
  readonly check: string;
  readonly verdict: 'ok' | 'note' | 'wrong';
  readonly found: string;
  /** With `wrong` and `note`. */
  readonly advice?: string;
}

interface Subject {
  readonly connection: Connection;
  readonly api: ApiNames;
  readonly resources: ReadonlyMap<string, string>;
}

type Check = (subject: Subject) => Promise<Omit<Finding, 'check'>>;

const API_PATIENCE_MS = 15_000; // for a person who waits
const SKEW_MS = 60_000; // AWS takes up to five minutes; what is off by one will be off by more
const MAX_TICKS_LATE = 3;
const NAMED_AT_MOST = 3;

const CHECKS: Readonly<Record<string, Check>> = {
  secret: secretIsReadable,
  'API key': keyIsTaken,
  'request bucket': bucketSpeaks,
  schedule: scheduleIsOn,
  'last tick': tickIsFresh,
  clock: clocksAgree,
  submission: isNotPaused,
  stalled: nothingIsStalled,
  ...Object.fromEntries(
    (Object.keys(DEAD_LETTER_QUEUES) as QueueName[]).map((name) => [`dead: ${name}`, noDeadLetters(name)]),
  ),
};

/** Every check in order, as its answer comes. The stack itself was found: a connection has its outputs. */
export async function* diagnose(connection: Connection): AsyncGenerator<Finding> {
  const { target } = connection;
  const api = await apiOf(target);
  const resources = await resourcesOf(target);
  const where = target.kind === 'local' ? target.url : `stack ${stackIn(target)}`;
  yield { check: 'stack', verdict: 'ok', found: `${where}, with ${resources.size} resources` };
  for (const [check, look] of Object.entries(CHECKS)) {
    const found = await look({ connection, api, resources }).catch((failure: unknown) =>
      wrong('could not be looked at', sentenceOf(failure)),
    );
    yield { check, ...found };
  }
}

async function secretIsReadable({ connection, api }: Subject) {
  return allowed(api, `${api.secret} holds a key`, () => keysOf(connection, api).current());
}

async function keyIsTaken({ connection, api }: Subject) {
  const keys = keysOf(connection, api);
  const { baseUrl } = api;
  const batches = createOpenAiBatchApi({ baseUrl, keys, silenceMs: API_PATIENCE_MS });
  return allowed(api, `${new URL(baseUrl).host} takes it`, () => batches.listBatches({ limit: 1 }));
}

async function allowed({ secret }: ApiNames, found: string, look: () => Promise<unknown>) {
  try {
    await look();
    return ok(found);
  } catch (failure) {
    if (!(failure instanceof NotAllowed)) throw failure;
    return wrong(
      failure.message,
      `Put a valid key there, of the same account: aws secretsmanager put-secret-value --secret-id ${secret} --secret-string file://key.txt`,
    );
  }
}

function keysOf({ target }: Connection, { secret }: ApiNames) {
  return createSecretApiKey({ secretId: secret, clock: Date, clientConfig: clientConfigAt(target) });
}

async function bucketSpeaks({ connection: { s3, names } }: Subject) {
  const Bucket = names.requestBucket;
  const { Status } = await s3.send(new GetBucketVersioningCommand({ Bucket }));
  const { EventBridgeConfiguration } = await s3.send(
    new GetBucketNotificationConfigurationCommand({ Bucket }),
  );
  if (Status !== 'Enabled') {
    return wrong(
      'keeps no versions: every file is rejected',
      `aws s3api put-bucket-versioning --bucket ${Bucket} --versioning-configuration Status=Enabled`,
    );
  }
  if (EventBridgeConfiguration === undefined) {
    return wrong(
      'does not tell EventBridge of files: none is ever seen',
      `Turn on "Amazon EventBridge" in the properties of ${Bucket}; files put meanwhile have to be put again.`,
    );
  }
  return ok('keeps versions and tells EventBridge');
}

async function scheduleIsOn(subject: Subject) {
  const { State, ScheduleExpression } = await scheduleOf(subject);
  if (State === 'ENABLED') return ok(`on, ${ScheduleExpression}`);
  return wrong(`${State}: nothing is looked at`, 'Turn it on in EventBridge Scheduler, or deploy anew.');
}

async function tickIsFresh(subject: Subject) {
  const { connection } = subject;
  const { tickedAt } = await connection.ledger.readControl();
  if (tickedAt === undefined) {
    return wrong('none was ever finished', "Look at POLL's log; after a deployment wait a minute.");
  }
  const ageMs = Math.max(0, (await serverTime(connection)) - tickedAt);
  const found = `${timeShown(ageMs)} ago`;
  if (ageMs <= MAX_TICKS_LATE * intervalMs(await scheduleOf(subject))) return ok(found);
  return wrong(found, "See the schedule above and POLL's log: docs/operations.md#pollheartbeat");
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
  if (connection.target.kind === 'local') return ok("the runtime's own, which may run ahead");
  const skewMs = Math.abs(Date.now() - (await serverTime(connection)));
  if (skewMs <= SKEW_MS) return ok("this machine's agrees with AWS's");
  return wrong(
    `this machine's is off by ${timeShown(skewMs)}`,
    'Set it by NTP: AWS refuses requests from another time.',
  );
}

async function isNotPaused({ connection: { ledger } }: Subject) {
  const { paused } = await ledger.readControl();
  if (!paused) return ok('not paused');
  return {
    verdict: 'note' as const,
    found: 'paused: nothing new is sent',
    advice: 'batchdrop resume goes on.',
  };
}

async function nothingIsStalled({ connection }: Subject) {
  const stalled = await connection.queries.listStalled();
  if (stalled.length === 0) return ok('nothing');
  const named = stalled.slice(0, NAMED_AT_MOST).map(stalledText).join('; ');
  const more = stalled.length > NAMED_AT_MOST ? `; and ${stalled.length - NAMED_AT_MOST} more` : '';
  return wrong(`${named}${more}`, 'A step fails again and again: docs/operations.md#held');
}

function stalledText(item: StalledItem): string {
  const part = item.kind === 'part' ? ` part ${item.number}` : '';
  return `job ${item.jobId}${part}: ${item.reason.message}`;
}

function noDeadLetters(name: QueueName): Check {
  return async ({ connection: { sqs }, resources }) => {
    const count = await countDeadLetters({ sqs, resources }, name);
    if (count === 0) return ok('none');
    return wrong(counted(count, 'message', 'messages'), `Mend the cause, then: batchdrop redrive ${name}`);
  };
}

function ok(found: string) {
  return { verdict: 'ok' as const, found };
}

function wrong(found: string, advice: string) {
  return { verdict: 'wrong' as const, found, advice };
}
