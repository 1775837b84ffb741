import { Grant } from 'aws-cdk-lib/aws-iam';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { WorkerFunction } from '../stages/worker-function.ts';

/** The secret that holds the API key unless another is given. */
export const DEFAULT_API_KEY_SECRET = 'batchdrop/openai';

/** The API that runs the batches, and the secret with its key. */
export class OpenAiAccount extends Construct {
  readonly secret: ISecret;
  readonly baseUrl: string;

  /** The secret is imported, never made here: a key does not belong in a template, nor does it go with a stack. */
  constructor(scope: Construct, id: string, props: { apiKeySecret: ISecret | undefined; baseUrl: string }) {
    super(scope, id);
    this.baseUrl = props.baseUrl;
    this.secret = props.apiKeySecret ?? Secret.fromSecretNameV2(this, 'ApiKey', DEFAULT_API_KEY_SECRET);
  }

  /** The secret's name or ARN, by which Secrets Manager finds it. */
  get secretId(): string {
    return this.secret.secretFullArn ?? this.secret.secretName;
  }

  /** What a function that calls the API has in its environment: where the key is, never the key. */
  environment(): { OPENAI_SECRET_ID: string; OPENAI_BASE_URL: string } {
    return { OPENAI_SECRET_ID: this.secretId, OPENAI_BASE_URL: this.baseUrl };
  }

  grantUse(caller: WorkerFunction): void {
    const { secretFullArn, secretArn, encryptionKey } = this.secret;
    // The suffix is Secrets Manager's own, six characters that nobody knows before. The secret's own grant adds DescribeSecret.
    const resourceArns = [secretFullArn ?? `${secretArn}-??????`];
    encryptionKey?.grantDecrypt(caller);
    Grant.addToPrincipal({ grantee: caller, actions: ['secretsmanager:GetSecretValue'], resourceArns });
  }
}
