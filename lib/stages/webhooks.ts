import { Duration, Size } from 'aws-cdk-lib';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import { FunctionUrlAuthType } from 'aws-cdk-lib/aws-lambda';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { WebhookEnv } from '../../functions/webhook/env.ts';
import { resultsEnvironment } from '../resources/buckets.ts';
import type { LedgerTable } from '../resources/ledger-table.ts';
import { grantReadSecret, idOfSecret, type OpenAiAccount } from '../resources/openai-account.ts';
import type { WorkQueue } from '../resources/work-queue.ts';
import type { WebhookProps } from '../webhook-props.ts';
import { WorkerFunction, type WorkerSettings } from './worker-function.ts';

/**
 * The default name of the secret with the signing secrets of webhooks.
 * @example Secret.fromSecretNameV2(stack, 'Webhook', DEFAULT_WEBHOOK_SECRET);
 */
export const DEFAULT_WEBHOOK_SECRET = 'batchdrop/webhook';

const TIMEOUT = Duration.seconds(30); // a few short calls; the sender waits for the response

interface WebhooksProps {
  settings: WorkerSettings;
  webhook: WebhookProps;
  resultsBucket: IBucket;
  /** The start of all keys in the results bucket. */
  resultsPrefix: string | undefined;
  ledger: LedgerTable;
  eventBus: IEventBus;
  openAi: OpenAiAccount;
  delivery: WorkQueue;
}

/** WEBHOOK and its public URL. */
export class Webhooks extends Construct {
  readonly worker: WorkerFunction;
  /** The URL to which the API sends webhooks. */
  readonly url: string;
  /** The name or ARN of the secret with the signing secrets. */
  readonly secretId: string;

  constructor(scope: Construct, id: string, props: WebhooksProps) {
    super(scope, id);
    const { settings, webhook, ledger, eventBus, openAi, delivery } = props;
    const secret = webhook.secret ?? Secret.fromSecretNameV2(this, 'Secret', DEFAULT_WEBHOOK_SECRET);
    this.secretId = idOfSecret(secret);
    this.worker = new WorkerFunction(this, 'Worker', {
      settings,
      bundle: 'webhook',
      description: 'Observes a batch as soon as the API reports its end',
      memory: Size.mebibytes(256), // small responses only; less memory would make cold starts slow
      timeout: TIMEOUT,
      environment: {
        INSTANCE: settings.instance,
        LEDGER_TABLE: ledger.table.tableName,
        EVENT_BUS_ARN: eventBus.eventBusArn,
        ...resultsEnvironment(props), // only named in events, not read
        DELIVER_QUEUE_URL: delivery.queue.queueUrl,
        ...openAi.environment(),
        WEBHOOK_SECRET_ID: this.secretId,
      } satisfies WebhookEnv,
      ...(webhook.reservedConcurrency !== undefined && { reservedConcurrency: webhook.reservedConcurrency }),
    });
    ledger.grantRecord(this.worker);
    ledger.grantListOfJob(this.worker);
    eventBus.grantPutEventsTo(this.worker);
    openAi.grantUse(this.worker);
    grantReadSecret(this.worker, secret);
    delivery.grantSend(this.worker);
    // The function itself checks the signature, because the API cannot sign for IAM. The permission applies only to
    // calls through the URL.
    this.url = this.worker.lambda.addFunctionUrl({ authType: FunctionUrlAuthType.NONE }).url;
  }
}
