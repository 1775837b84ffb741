import type { Clock } from '../../clock.ts';
import { AwsError } from '../protocol/aws-error.ts';
import type { MessageAttributes } from '../sqs/message-attributes.ts';
import { type Exhausted, nextAttempt } from './retry-policy.ts';
import type { Delivery, EventStore } from './store.ts';
import { isQueue } from './target.ts';

/** Ways to reach the targets. */
export interface DeliveryPorts {
  readonly clock: Clock;
  /** Stores a message in the queue before it returns. Throws an AwsError if the queue will never accept the message. */
  readonly sendToQueue: (
    queueArn: string,
    body: string,
    attributes: MessageAttributes,
    ruleArn: string,
  ) => void;
  /** Invokes the function once. Rejects if it failed, with an AwsError if it can never run. */
  readonly invokeLambda: (functionArn: string, event: unknown, ruleArn: string) => Promise<void>;
  /** Called with a sentence for each event that a target did not receive. */
  readonly report: (problem: string) => void;
}

interface Failure {
  readonly code: string;
  readonly message: string;
  /** A retry would not help. */
  readonly final: boolean;
}

/**
 * Delivers accepted events to their targets at least once: (1) recorded, (2) sent, (3) deleted from the record. After a
 * kill between 2 and 3, the next start sends them again. An event that a target never accepts goes to the target's
 * dead-letter queue; without one, it is reported and dropped. On AWS, failed *asynchronous* invocations go to the
 * function's own destination. Here they also go to the target's dead-letter queue.
 */
export class Deliveries {
  readonly #store: EventStore;
  readonly #ports: DeliveryPorts;
  readonly #timers = new Map<number, () => void>();
  #state: 'waiting' | 'started' | 'closed' = 'waiting';

  constructor(store: EventStore, ports: DeliveryPorts) {
    this.#store = store;
    this.#ports = ports;
  }

  /** Sends the recorded deliveries, and all that are added from now on. */
  start(): void {
    this.#state = 'started';
    for (const delivery of this.#store.deliveries()) this.#schedule(delivery);
  }

  /** Records the deliveries durably, and sends them once started. */
  add(deliveries: readonly Omit<Delivery, 'seq'>[]): void {
    const added = this.#store.addDeliveries(deliveries);
    if (this.#state === 'started') for (const delivery of added) this.#schedule(delivery);
  }

  /** Stops sending. Unfinished deliveries remain recorded. */
  close(): void {
    this.#state = 'closed';
    for (const cancel of this.#timers.values()) cancel();
  }

  #schedule(delivery: Delivery): void {
    if (delivery.dueAt <= this.#ports.clock.now()) {
      this.#deliverNow(delivery);
      return;
    }
    const cancel = this.#ports.clock.at(delivery.dueAt, () => {
      this.#timers.delete(delivery.seq);
      this.#deliverNow(delivery);
    });
    this.#timers.set(delivery.seq, cancel);
  }

  #deliverNow(delivery: Delivery): void {
    this.#deliver(delivery).catch((error) => {
      // Our own database failed, not the target. The record remains, so the next start tries again.
      this.#ports.report(`Event of ${delivery.ruleArn} postponed to the next start: ${error}`);
    });
  }

  async #deliver(delivery: Delivery): Promise<void> {
    const failure = await this.#attempt(delivery);
    if (this.#state === 'closed') return; // the record remains: the next start repeats it
    if (failure === undefined) return this.#store.endDelivery(delivery.seq);
    const next = failure.final ? undefined : this.#nextAttempt(delivery);
    if (typeof next === 'number')
      return this.#postpone({ ...delivery, tries: delivery.tries + 1, dueAt: next });
    this.#giveUp(delivery, failure, next);
    this.#store.endDelivery(delivery.seq);
  }

  #nextAttempt({ target, tries, acceptedAt }: Delivery): number | Exhausted {
    const now = this.#ports.clock.now();
    const ofFunction = !isQueue(target.arn);
    return nextAttempt({ policy: target.retryPolicy, ofFunction, tries, acceptedAt, now });
  }

  #postpone(delivery: Delivery): void {
    this.#store.postpone(delivery);
    this.#schedule(delivery);
  }

  async #attempt({ ruleArn, target, payload }: Delivery): Promise<Failure | undefined> {
    try {
      if (isQueue(target.arn)) this.#ports.sendToQueue(target.arn, payload, {}, ruleArn);
      else await this.#ports.invokeLambda(target.arn, JSON.parse(payload), ruleArn);
      return undefined;
    } catch (error) {
      const final = error instanceof AwsError;
      const code = error instanceof AwsError ? error.code : 'TARGET_FAILED';
      return { code, message: error instanceof Error ? error.message : String(error), final };
    }
  }

  #giveUp(delivery: Delivery, failure: Failure, exhausted: Exhausted | undefined): void {
    const { ruleArn, target, payload, tries } = delivery;
    const { deadLetterArn } = target;
    const what = `event of ${ruleArn} for ${target.arn}: ${failure.code}: ${failure.message}`;
    if (deadLetterArn === undefined) {
      this.#ports.report(`Event dropped: no dead-letter queue: ${what}`);
      return;
    }
    try {
      const attributes = {
        RULE_ARN: text(ruleArn),
        TARGET_ARN: text(target.arn),
        ERROR_CODE: text(failure.code),
        ERROR_MESSAGE: text(failure.message === '' ? failure.code : failure.message),
        RETRY_ATTEMPTS: text(String(tries)),
        ...(exhausted !== undefined && { EXHAUSTED_RETRY_CONDITION: text(exhausted) }),
      };
      this.#ports.sendToQueue(deadLetterArn, payload, attributes, ruleArn);
    } catch (error) {
      this.#ports.report(
        `Event dropped: the dead-letter queue ${deadLetterArn} refused it (${error}): ${what}`,
      );
    }
  }
}

function text(StringValue: string) {
  return { DataType: 'String', StringValue };
}
