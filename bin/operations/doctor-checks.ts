/**
 * The health checks of `batchdrop doctor`. They check a Batchdrop from outside, with the permissions of the caller.
 * Each check returns one finding, with advice if it failed: the command that fixes it, if there is one. A check that throws does
 * not prevent the others.
 */
import type { Connection } from '../connection/connection.ts';
import { apiKeySecretOf, apiOf } from '../connection/stack-names.ts';
import { resourcesOf } from '../connection/stack-resources.ts';
import { counted } from '../terminal/amounts.ts';
import { sentenceOf } from '../terminal/failure.ts';
import {
  countDeadLetters,
  DEAD_LETTER_QUEUES,
  firstDeadLetter,
  isUnneeded,
  type QueueName,
} from './dead-letters.ts';
import { clocksAgree, keyIsAccepted, secretIsReadable } from './doctor/api-checks.ts';
import { bucketIsConfigured, filesAreNoticed } from './doctor/bucket-checks.ts';
import { filesAreInPlace } from './doctor/files-check.ts';
import { functionsRun, queuesFeed } from './doctor/function-checks.ts';
import { accountIsAccepted, isNotPaused, nothingIsDelayed, nothingIsStalled } from './doctor/job-checks.ts';
import { scheduleIsOn, tickIsRecent } from './doctor/poller-checks.ts';
import { functionsMay } from './doctor/rights-check.ts';
import type { Check, Subject } from './doctor/subject.ts';
import { type Finding, failed, ok } from './finding.ts';
import { webhookFindings } from './webhook/checks.ts';

const CHECKS: Readonly<Record<string, Check>> = {
  secret: secretIsReadable,
  'API key': keyIsAccepted,
  'request bucket': bucketIsConfigured,
  'new files': filesAreNoticed,
  functions: functionsRun,
  queues: queuesFeed,
  permissions: functionsMay,
  schedule: scheduleIsOn,
  'last tick': tickIsRecent,
  clock: clocksAgree,
  submission: isNotPaused,
  account: accountIsAccepted,
  waiting: nothingIsDelayed,
  stalled: nothingIsStalled,
  files: filesAreInPlace,
  ...Object.fromEntries(
    (Object.keys(DEAD_LETTER_QUEUES) as QueueName[]).map((name) => [`DLQ ${name}`, hasNoDeadLetters(name)]),
  ),
};

/** The console simulates no policies. */
const NOT_IN_THE_CONSOLE: ReadonlySet<Check> = new Set([functionsMay]);

/**
 * Runs every check in order and yields each finding when it is known. The stack itself exists, because the connection
 * has its outputs. `onlyLooks`: check only what the policy of the console permits, so no secret is read.
 */
export async function* diagnose(
  connection: Connection,
  { onlyLooks = false }: { readonly onlyLooks?: boolean } = {},
): AsyncGenerator<Finding> {
  const { target } = connection;
  const api = onlyLooks ? undefined : await apiOf(target);
  const secret = api?.secret ?? (await apiKeySecretOf(target));
  const resources = await resourcesOf(target);
  const where = target.kind === 'local' ? target.url : `stack ${target.stack}`;
  yield { check: 'stack', verdict: 'ok', found: `${where} with ${resources.size} resources` };
  const subject: Subject = { connection, secret, api, resources, onlyLooks };
  for (const [check, run] of Object.entries(CHECKS)) {
    if (onlyLooks && NOT_IN_THE_CONSOLE.has(run)) continue;
    const found = await run(subject).catch((failure: unknown) =>
      failed('could not be checked', sentenceOf(failure)),
    );
    if (found) yield { check, ...found };
  }
  if (!onlyLooks) yield* webhookFindings(connection);
}

function hasNoDeadLetters(name: QueueName): Check {
  return async ({ connection: { sqs }, resources, onlyLooks }) => {
    if (isUnneeded(resources, name)) return undefined;
    const count = await countDeadLetters({ sqs, resources }, name);
    if (count === 0) return ok('empty');
    const first = onlyLooks ? undefined : await firstDeadLetter({ sqs, resources }, name);
    const many = counted(count, 'message', 'messages');
    return failed(
      first === undefined ? many : `${many}; one, of ${first.sentAt}: ${first.text}`,
      `Fix the cause, then: batchdrop redrive ${name}`,
    );
  };
}
