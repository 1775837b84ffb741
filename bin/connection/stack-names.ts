import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { RUNTIME_ENDPOINTS_SECRET, type RuntimeEndpoints } from '../../local/runtime/runtime-endpoints.ts';
import { outputsAt } from './stack-outputs.ts';
import { clientConfigAt, type Target } from './target.ts';

/** The names of the resources that users of a Batchdrop need, from the outputs of its stack. */
export interface StackNames {
  readonly requestBucket: string;
  readonly resultsBucket: string;
  /** The start of all keys in the results bucket. */
  readonly resultsPrefix?: string;
  readonly cancelQueueUrl: string;
  /** Absent in a stack of version 0.1. */
  readonly approvalQueueUrl?: string;
  readonly eventBus: string;
  /** The `instance` of its events. */
  readonly instance: string;
  readonly ledgerTable: string;
}

/** The Batch API that the functions call, and the secret with its key. */
export interface ApiNames {
  readonly baseUrl: string;
  readonly secret: string;
}

/** The URL to which the API sends webhooks, and the secret with their signing secrets. */
export interface WebhookNames {
  readonly url: string;
  readonly secret: string;
}

/** Reads the names from CloudFormation. Throws a Failure if the stack contains no Batchdrop. */
export async function namesOf(target: Target): Promise<StackNames> {
  const { value: output, optional } = await outputsAt(target);
  const resultsPrefix = optional('ResultsPrefix');
  const approvalQueueUrl = optional('ApprovalQueueUrl');
  return {
    requestBucket: output('RequestBucket'),
    resultsBucket: output('ResultsBucket'),
    ...(resultsPrefix === undefined ? {} : { resultsPrefix }),
    cancelQueueUrl: output('CancelQueueUrl'),
    ...(approvalQueueUrl === undefined ? {} : { approvalQueueUrl }),
    eventBus: output('EventBus'),
    instance: output('Instance'),
    ledgerTable: output('LedgerTable'),
  };
}

/** Returns the id of the AWS account, which is in the URL of each queue. */
export function accountIn({ cancelQueueUrl }: Pick<StackNames, 'cancelQueueUrl'>): string {
  const account = new URL(cancelQueueUrl).pathname.split('/').at(-2);
  if (account === undefined || !/^\d{12}$/.test(account))
    throw new Error(`The URL of the cancel queue, ${cancelQueueUrl}, contains no account.`);
  return account;
}

/** Returns the name or the ARN of the secret with the API key. */
export async function apiKeySecretOf(target: Target): Promise<string> {
  const { value: output } = await outputsAt(target);
  return output('ApiKeySecret');
}

/** Returns the names that belong to the API. On this machine, the runtime knows its URL, not the template. */
export async function apiOf(target: Target): Promise<ApiNames> {
  const { value: output } = await outputsAt(target);
  const baseUrl = target.kind === 'local' ? (await endpoints(target)).openAiUrl : output('ApiBaseUrl');
  return { baseUrl, secret: output('ApiKeySecret') };
}

/** Returns the names that belong to webhooks; undefined for a Batchdrop without the prop `webhook`. */
export async function webhookNamesOf(target: Target): Promise<WebhookNames | undefined> {
  const { value: output, optional } = await outputsAt(target);
  const url = optional('WebhookUrl');
  return url === undefined ? undefined : { url, secret: output('WebhookSecret') };
}

async function endpoints(target: Target): Promise<RuntimeEndpoints> {
  const client = new SecretsManagerClient(clientConfigAt(target));
  try {
    const { SecretString = '' } = await client.send(
      new GetSecretValueCommand({ SecretId: RUNTIME_ENDPOINTS_SECRET }),
    );
    const runtime: RuntimeEndpoints = JSON.parse(SecretString);
    return runtime;
  } finally {
    client.destroy();
  }
}
