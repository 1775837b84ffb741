import { Grant } from 'aws-cdk-lib/aws-iam';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { WorkerFunction } from '../stages/worker-function.ts';

/**
 * The default name of the secret with the API key.
 * @example Secret.fromSecretNameV2(stack, 'ApiKey', DEFAULT_API_KEY_SECRET);
 */
export const DEFAULT_API_KEY_SECRET = 'batchdrop/openai';

/** The API that runs the batches, and the secret with its key. */
export class OpenAiAccount extends Construct {
  readonly secret: ISecret;
  readonly baseUrl: string;

  /**
   * The secret is imported and never created, because a key does not belong in a template and must not be deleted with
   * a stack.
   */
  constructor(scope: Construct, id: string, props: { apiKeySecret: ISecret | undefined; baseUrl: string }) {
    super(scope, id);
    this.baseUrl = props.baseUrl;
    this.secret = props.apiKeySecret ?? Secret.fromSecretNameV2(this, 'ApiKey', DEFAULT_API_KEY_SECRET);
  }

  /** Name or ARN of the secret. */
  get secretId(): string {
    return idOfSecret(this.secret);
  }

  /**
   * Returns the environment variables of a function that calls the API. They say where the key is, but never contain
   * it.
   */
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
  // Secrets Manager appends six random characters. The action is explicit, because the CDK's grant includes
  // DescribeSecret.
  const resourceArns = [secretFullArn ?? `${secretArn}-??????`];
  encryptionKey?.grantDecrypt(caller);
  Grant.addToPrincipal({ grantee: caller, actions: ['secretsmanager:GetSecretValue'], resourceArns });
}
