import { Grant } from 'aws-cdk-lib/aws-iam';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { WorkerFunction } from '../stages/worker-function.ts';

/** Name of the secret with the API key, unless `apiKeySecret` is set. */
export const DEFAULT_API_KEY_SECRET = 'batchdrop/openai';

/** The API that runs the batches, and the secret with its key. */
export class OpenAiAccount extends Construct {
  readonly secret: ISecret;
  readonly baseUrl: string;

  /** The secret is imported, never created: a key does not belong in a template, and must not be deleted with a stack. */
  constructor(scope: Construct, id: string, props: { apiKeySecret: ISecret | undefined; baseUrl: string }) {
    super(scope, id);
    this.baseUrl = props.baseUrl;
    this.secret = props.apiKeySecret ?? Secret.fromSecretNameV2(this, 'ApiKey', DEFAULT_API_KEY_SECRET);
  }

  /** Name or ARN of the secret. */
  get secretId(): string {
    return idOfSecret(this.secret);
  }

  /** Environment of a function that calls the API: where the key is, never the key. */
  environment(): { OPENAI_SECRET_ID: string; OPENAI_BASE_URL: string } {
    return { OPENAI_SECRET_ID: this.secretId, OPENAI_BASE_URL: this.baseUrl };
  }

  /** Grants reading the API key. */
  grantUse(caller: WorkerFunction): void {
    grantReadSecret(caller, this.secret);
  }
}

/** Returns the name or ARN of a secret. */
export function idOfSecret({ secretFullArn, secretName }: ISecret): string {
  return secretFullArn ?? secretName;
}

/** Grants reading a secret. */
export function grantReadSecret(caller: WorkerFunction, secret: ISecret): void {
  const { secretFullArn, secretArn, encryptionKey } = secret;
  // Secrets Manager appends six random characters. Explicit action: the CDK's grant includes DescribeSecret.
  const resourceArns = [secretFullArn ?? `${secretArn}-??????`];
  encryptionKey?.grantDecrypt(caller);
  Grant.addToPrincipal({ grantee: caller, actions: ['secretsmanager:GetSecretValue'], resourceArns });
}
