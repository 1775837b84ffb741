import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { RUNTIME_ENDPOINTS_SECRET, type RuntimeEndpoints } from '../../local/runtime/runtime-endpoints.ts';
import { outputsAt } from './stack-outputs.ts';
import { clientConfigAt, type Target } from './target.ts';

/** What the outputs of a stack name. */
export interface StackNames {
  readonly requestBucket: string;
  readonly resultsBucket: string;
  readonly cancelQueueUrl: string;
  readonly eventBus: string;
  readonly ledgerTable: string;
}

/** The API that the functions call, and the secret with its key. */
export interface ApiNames {
  readonly baseUrl: string;
  readonly secret: string;
}

/** Asks CloudFormation, on one machine as in an account; throws a Failure when that is no Batchdrop. */
export async function namesOf(target: Target): Promise<StackNames> {
  const { value: output } = await outputsAt(target);
  return {
    requestBucket: output('RequestBucket'),
    resultsBucket: output('ResultsBucket'),
    cancelQueueUrl: output('CancelQueueUrl'),
    eventBus: output('EventBus'),
    ledgerTable: output('LedgerTable'),
  };
}

/** The same for the API. On one machine the functions call another than the template says, which the runtime tells. */
export async function apiOf(target: Target): Promise<ApiNames> {
  const { value: output } = await outputsAt(target);
  const baseUrl = target.kind === 'local' ? (await endpoints(target)).openAiUrl : output('ApiBaseUrl');
  return { baseUrl, secret: output('ApiKeySecret') };
}

async function endpoints(target: Target): Promise<RuntimeEndpoints> {
  const client = new SecretsManagerClient(clientConfigAt(target));
  try {
    const { SecretString = '' } = await client.send(
      new GetSecretValueCommand({ SecretId: RUNTIME_ENDPOINTS_SECRET }),
    );
    const told: RuntimeEndpoints = JSON.parse(SecretString);
    return told;
  } finally {
    client.destroy();
  }
}
