import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';

/** How webhooks are received. */
export interface WebhookProps {
  /**
   * Secret with the webhook's signing secret: the text `whsec_…` alone, or JSON `{"secrets": [{"secret", "until"?}]}`
   * with two during a rotation. `batchdrop webhook enable` writes it. Until it exists every webhook is refused, and POLL
   * finds all ends.
   * @default - the secret named `batchdrop/webhook`
   */
  readonly secret?: ISecret | undefined;
  /**
   * How many webhooks are handled at once, from the account's quota of Lambda. It bounds what a flood of forged requests
   * costs; refused webhooks are sent again.
   * @default - no reserved concurrency
   */
  readonly reservedConcurrency?: number | undefined;
}
