import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';

/**
 * How webhooks are received.
 * @example { secret: Secret.fromSecretNameV2(stack, 'Signing', 'team/webhook'), reservedConcurrency: 5 }
 */
export interface WebhookProps {
  /**
   * Secret with the webhook's signing secret: only the text `whsec_…`, or JSON `{"secrets": [{"secret", "until"?}]}`
   * with two secrets during a rotation. `batchdrop webhook enable` writes it. Until it exists, WEBHOOK refuses every
   * webhook, and POLL finds the ends of all batches.
   * @default - the secret named `batchdrop/webhook`
   * @example Secret.fromSecretNameV2(stack, 'Signing', 'team/webhook')
   */
  readonly secret?: ISecret | undefined;
  /**
   * How many webhooks WEBHOOK handles at once, reserved from the account's Lambda concurrency. It limits the cost of
   * many forged requests. The API sends a throttled webhook again.
   * @default - no reserved concurrency
   * @example 5
   */
  readonly reservedConcurrency?: number | undefined;
}
