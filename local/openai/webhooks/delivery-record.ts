/**
 * A webhook to an endpoint, until it is accepted or given up. Times are in milliseconds since the epoch, by the
 * server's clock.
 */
export interface DeliveryRecord {
  /** The header `webhook-id`, the same in every attempt. */
  readonly webhookId: string;
  readonly endpointId: string;
  readonly batchId: string;
  readonly type: string;
  /** The JSON text that is signed. */
  readonly body: string;
  readonly createdMs: number;
  /** When the next attempt is due. */
  readonly dueMs: number;
  /** The number of attempts so far. */
  readonly attempts: number;
  /** Due as soon as a later webhook of the endpoint has been sent. */
  readonly isHeldBack: boolean;
  /** `never`: a forged webhook, sent once. `later`: the first attempt is signed with a wrong secret. */
  readonly isSigned: 'always' | 'later' | 'never';
}

/** A stored delivery and its number. */
export type StoredDelivery = DeliveryRecord & { readonly n: number };
