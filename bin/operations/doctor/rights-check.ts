/**
 * Checks that the functions may do their work, by asking IAM what the policies of their roles allow. IAM answers for the
 * policies of the roles and of the organization.
 *
 * Known gaps: IAM leaves out the policies of buckets, queues and keys. What these deny shows only in the check `waiting`, once
 * a function has met it.
 */
import { type EvaluationResult, IAMClient, SimulatePrincipalPolicyCommand } from '@aws-sdk/client-iam';
import { DescribeSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { INTERNAL_FOLDER, RESULT_NAMES } from '../../../functions/shared/contract/result-keys.ts';
import { arnsIn } from '../../connection/arns.ts';
import { clientConfigAt, stackIn } from '../../connection/target.ts';
import { sentenceOf } from '../../terminal/failure.ts';
import { failed, note, ok, type Verdict } from '../finding.ts';
import { requestPrefixOf } from './bucket-checks.ts';
import { configurationOf, withLambda } from './function-checks.ts';
import { functionOf, type Subject, WORKERS, type Worker } from './subject.ts';

const MAX_SHOWN = 3;

/** Actions that a function needs on a resource. */
interface Need {
  readonly actions: readonly string[];
  readonly resource: string;
  /** The policy of the resource may allow it as well, and IAM does not see that policy. */
  readonly isPerhapsGranted?: true;
}

/** An action that a function may not do. */
interface Denial {
  readonly worker: string;
  readonly action: string;
  readonly resource: string;
  readonly isByOrganization: boolean;
  readonly isCertain: boolean;
}

/** The functions that call the API. */
const CALL_THE_API = new Set(['SUBMIT', 'POLL', 'DELIVER', 'CANCEL', 'WEBHOOK']);

export async function functionsMay(subject: Subject): Promise<Verdict> {
  const { target } = subject.connection;
  const secret = await secretFacts(subject);
  const prefix = await requestPrefixOf(subject);
  const iam = new IAMClient(clientConfigAt(target));
  try {
    const found = await withLambda(target, (lambda) =>
      Promise.all(
        WORKERS.map(async (worker) => {
          const name = functionOf(subject, worker);
          if (name === undefined) return [];
          const { Role } = await configurationOf(lambda, name);
          return await deniedOf(iam, worker, Role, needsOf(subject, worker, { secret, prefix }));
        }),
      ),
    );
    return verdictOn(subject, found.flat());
  } catch (failure) {
    if (!/AccessDenied/.test(failure instanceof Error ? failure.name : '')) throw failure;
    return note(
      `not checked: ${sentenceOf(failure)}`,
      'The check needs iam:SimulatePrincipalPolicy and lambda:GetFunctionConfiguration.',
    );
  } finally {
    iam.destroy();
  }
}

function verdictOn({ connection: { target } }: Subject, denials: readonly Denial[]): Verdict {
  const certain = denials.filter(({ isCertain }) => isCertain);
  const shown = certain.length > 0 ? certain : denials;
  if (shown.length === 0) return ok('the roles of the functions allow their work');
  const text = shown
    .slice(0, MAX_SHOWN)
    .map(({ worker, action, resource }) => `${worker} may not ${action} on ${resource}`)
    .join('; ');
  const more = shown.length > MAX_SHOWN ? `; and ${shown.length - MAX_SHOWN} more` : '';
  if (certain.length === 0)
    return note(
      `${text}${more}, unless the policy of that resource allows it`,
      'For a secret with a key of your own, give the construct the key as well: Secret.fromSecretAttributes(this, id, { secretCompleteArn, encryptionKey })',
    );
  return failed(
    text + more,
    certain.some(({ isByOrganization }) => isByOrganization)
      ? 'A service control policy of your organization denies it: ask who manages it.'
      : `See what was changed: aws cloudformation detect-stack-drift --stack-name ${stackIn(target)}. Then put the policy of the role back, or deploy again.`,
  );
}

async function deniedOf(
  iam: IAMClient,
  { name }: Worker,
  role: string | undefined,
  needs: readonly Need[],
): Promise<Denial[]> {
  const found = await Promise.all(
    needs.map(async ({ actions, resource, isPerhapsGranted }) => {
      const { EvaluationResults = [] } = await iam.send(
        new SimulatePrincipalPolicyCommand({
          PolicySourceArn: role,
          ActionNames: [...actions],
          ResourceArns: [resource],
        }),
      );
      return EvaluationResults.filter(({ EvalDecision }) => EvalDecision !== 'allowed').map((result) => ({
        ...{ worker: name, action: result.EvalActionName ?? '', resource },
        isByOrganization: isByOrganization(result),
        isCertain: isPerhapsGranted === undefined || result.EvalDecision === 'explicitDeny',
      }));
    }),
  );
  return found.flat();
}

function isByOrganization({ OrganizationsDecisionDetail }: EvaluationResult): boolean {
  return OrganizationsDecisionDetail?.AllowedByOrganizations === false;
}

/** Returns what the function cannot work without. docs/security.md lists every permission. */
function needsOf(
  { connection: { names }, resources }: Subject,
  worker: Worker,
  { secret, prefix = '' }: { readonly secret: SecretFacts; readonly prefix: string | undefined },
): Need[] {
  const { arn, bucket, queue } = arnsIn(names);
  const results = `${bucket(names.resultsBucket)}/${names.resultsPrefix ?? ''}`;
  const requests: Need = {
    actions: ['s3:GetObjectVersion'],
    resource: `${bucket(names.requestBucket)}/${prefix}x.jsonl`,
  };
  const ownQueue = resources.get(worker.queue ?? '');
  const needs: Need[] = [
    {
      actions: ['dynamodb:GetItem', 'dynamodb:PutItem'],
      resource: arn('dynamodb', `table/${names.ledgerTable}`),
    },
  ];
  // A bus of your own may be in another account.
  if (resources.has('StatusEventsBus'))
    needs.push({ actions: ['events:PutEvents'], resource: arn('events', `event-bus/${names.eventBus}`) });
  if (ownQueue !== undefined)
    needs.push({ actions: ['sqs:ReceiveMessage', 'sqs:DeleteMessage'], resource: queue(ownQueue) });
  if (CALL_THE_API.has(worker.name)) needs.push(...needsOfSecret(secret));
  if (worker.name === 'INTAKE')
    needs.push(requests, { actions: ['s3:PutObject'], resource: `${results}${INTERNAL_FOLDER}x` });
  if (worker.name === 'SUBMIT') needs.push(requests);
  if (worker.name === 'DELIVER')
    needs.push({ actions: ['s3:PutObject'], resource: `${results}x/${RESULT_NAMES.output}` });
  return needs;
}

/** The ARN of the secret with the API key, and the key that encrypts it if that is not the one of AWS. */
type SecretFacts = { readonly arn: string; readonly key?: string } | undefined;

function needsOfSecret(secret: SecretFacts): Need[] {
  if (secret === undefined) return [];
  const read: Need = { actions: ['secretsmanager:GetSecretValue'], resource: secret.arn };
  if (secret.key === undefined) return [read];
  return [read, { actions: ['kms:Decrypt'], resource: secret.key, isPerhapsGranted: true }];
}

/** Returns undefined if there is no secret, or if you may not look: the check `secret` says so. */
async function secretFacts({ connection: { names, target }, secret }: Subject): Promise<SecretFacts> {
  const client = new SecretsManagerClient(clientConfigAt(target));
  try {
    const { ARN, KmsKeyId } = await client.send(new DescribeSecretCommand({ SecretId: secret }));
    if (ARN === undefined) return undefined;
    if (KmsKeyId === undefined || KmsKeyId.includes('alias/aws/')) return { arn: ARN };
    return {
      arn: ARN,
      key: KmsKeyId.startsWith('arn:') ? KmsKeyId : arnsIn(names).arn('kms', `key/${KmsKeyId}`),
    };
  } catch {
    return undefined;
  } finally {
    client.destroy();
  }
}
