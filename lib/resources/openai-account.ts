import { Token } from 'aws-cdk-lib';
import { Grant } from 'aws-cdk-lib/aws-iam';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { WorkerFunction } from '../stages/worker-function.ts';

/** The secret that holds the API key unless another is given. */
export const DEFAULT_API_KEY_SECRET = 'batchdrop/openai';

/** OpenAI's own API. */
export const DEFAULT_BASE_URL = 'https://api.openai.com/v1';

/** The API that runs the batches, and the secret with its key. */
export class OpenAiAccount extends Construct {
  readonly secret: ISecret;
  readonly baseUrl: string;

  /** The secret is imported, never made here: a key does not belong in a template, nor does it go with a stack. */
  constructor(scope: Construct, id: string, props: { apiKeySecret: ISecret | undefined; baseUrl: string }) {
    super(scope, id);
    refuseUnsafe(props.baseUrl);
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

/** The key goes wherever the address points, so only over TLS, and to a machine's own API server. */
function refuseUnsafe(baseUrl: string): void {
  if (Token.isUnresolved(baseUrl)) return;
  const { protocol, hostname } = new URL(baseUrl);
  const loopback = ['127.0.0.1', 'localhost', '[::1]'].includes(hostname);
  if (protocol === 'https:' || (protocol === 'http:' && loopback)) return;
  throw new Error(`baseUrl ${baseUrl}: the API key is sent over https only`);
}
