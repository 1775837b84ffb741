import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { asJsonPattern, jobStatusPattern } from '../functions/shared/contract/patterns.ts';
import { Batchdrop } from './batchdrop.ts';
import type { BatchdropOptions } from './batchdrop-props.ts';
import { refuse } from './guards/refuse.ts';
import { propsOfBatchdrop, stackPropProblems } from './guards/stack-props.ts';
import { DEFAULT_API_KEY_SECRET } from './resources/openai-account.ts';

/**
 * Props of the ready-made stack, which finds resources of your own by their names.
 * @example { env: { account: '111111111111', region: 'eu-central-1' }, requestBucketName: 'our-files' }
 */
export interface BatchdropStackProps extends BatchdropOptions, StackProps {
  /**
   * Name of a request bucket of your own.
   * @default - a bucket is created
   * @example 'our-files'
   */
  readonly requestBucketName?: string | undefined;
  /**
   * Name of a results bucket of your own.
   * @default - a bucket is created
   * @example 'our-results'
   */
  readonly resultsBucketName?: string | undefined;
  /**
   * Name of the secret with the API key, in the account and region of the stack.
   * @default 'batchdrop/openai'
   * @example 'team/openai'
   */
  readonly apiKeySecretName?: string | undefined;
  /**
   * Name of the secret with the webhook's signing secrets, in the account and region of the stack. Needs `webhook`. Each stack
   * of an account needs its own.
   * @default 'batchdrop/webhook'
   * @example 'team/webhook'
   */
  readonly webhookSecretName?: string | undefined;
}

/**
 * A stack with one Batchdrop. Its outputs are commands to copy. Without `env`, you can deploy it to any account and region.
 * @example new BatchdropStack(app, 'Batchdrop', { expireFilesAfter: Duration.days(30) });
 */
export class BatchdropStack extends Stack {
  /**
   * The one construct of the stack.
   * @example
   * const { batchdrop } = new BatchdropStack(app, 'Batchdrop');
   * batchdrop.onFailed('Failed', { target: new SnsTopic(topic) });
   */
  readonly batchdrop: Batchdrop;

  /** Creates the stack with one Batchdrop and its outputs. Errors: an Error that names each invalid prop. */
  constructor(scope: Construct, id: string, props: BatchdropStackProps = {}) {
    super(scope, id, { description: 'Batchdrop: runs request files through the OpenAI Batch API', ...props });
    refuse(this, stackPropProblems(props));
    const { requestBucketName, resultsBucketName, apiKeySecretName, webhookSecretName, ...others } = props;
    const options = propsOfBatchdrop(this, others);
    const named = (id: string, name: string | undefined) =>
      name === undefined ? undefined : Bucket.fromBucketName(this, id, name);
    this.batchdrop = new Batchdrop(this, 'Batchdrop', {
      ...options,
      requestBucket: named('OwnRequestBucket', requestBucketName),
      resultsBucket: named('OwnResultsBucket', resultsBucketName),
      ...(apiKeySecretName !== undefined && {
        apiKeySecret: Secret.fromSecretNameV2(this, 'OwnApiKey', apiKeySecretName),
      }),
      ...(webhookSecretName !== undefined && {
        webhook: {
          ...options.webhook,
          secret: Secret.fromSecretNameV2(this, 'OwnWebhookSecret', webhookSecretName),
        },
      }),
    });
    // The ids of the outputs need neither path nor hash, because the stack contains nothing else.
    for (const output of this.batchdrop.outputs) output.overrideLogicalId(output.node.id);
    this.#showCommands(props);
  }

  #showCommands(props: BatchdropStackProps): void {
    const { requestBucket, resultsBucket, cancelQueue, eventBus } = this.batchdrop;
    const secret = props.apiKeySecretName ?? DEFAULT_API_KEY_SECRET;
    const prefix = props.requestPrefix ?? '';
    const pattern = JSON.stringify(asJsonPattern(jobStatusPattern('completed', 'failed')));
    const commands: [id: string, description: string, command: string][] = [
      [
        'StoreApiKey',
        'Run once. Stores the API key from a file, so that the key is not in the shell history',
        `aws secretsmanager create-secret --name ${secret} --secret-string file://openai-api-key.txt`,
      ],
      [
        'SubmitFile',
        'Submits requests.jsonl',
        `aws s3 cp requests.jsonl s3://${requestBucket.bucketName}/${prefix}`,
      ],
      [
        'ListResults',
        'Lists the results',
        `aws s3 ls --recursive s3://${resultsBucket.bucketName}/${props.resultsPrefix ?? ''}`,
      ],
      [
        'CancelFile',
        'Cancels the job of a file; {"batchId":"batch_..."} and {"jobId":"..."} work as well',
        `aws sqs send-message --queue-url ${cancelQueue.queueUrl} --message-body '${JSON.stringify({ bucket: requestBucket.bucketName, key: `${prefix}requests.jsonl` })}'`,
      ],
      [
        'SubscribeToStatuses',
        'Creates a rule for completed and failed jobs; add a target with aws events put-targets',
        `aws events put-rule --event-bus-name ${eventBus.eventBusName} --name batchdrop-done --event-pattern '${pattern}'`,
      ],
    ];
    for (const [id, description, value] of commands) new CfnOutput(this, id, { description, value });
  }
}
