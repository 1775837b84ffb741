import type { IncomingMessage, ServerResponse } from 'node:http';
import { ACCOUNT_OWNER, type Caller } from '../iam/caller.ts';
import type { AwsService } from '../protocol/aws-service.ts';
import { type JsonProtocol, serveJson } from '../protocol/json-protocol.ts';
import { Deliveries, type DeliveryPorts } from './deliveries.ts';
import { type AwsEvent, type EventContent, envelope } from './event.ts';
import { eventOperations } from './operations.ts';
import { RuleRegistry } from './rule-registry.ts';
import { EventStore } from './store.ts';
import { payloadFor } from './target.ts';

/** EventBridge on the endpoint: buses, rules and targets, without archives, pipes or schedules. */
export class EventsEngine implements AwsService {
  readonly signingName = 'events';
  readonly rules: RuleRegistry;
  readonly #store: EventStore;
  readonly #deliveries: Deliveries;
  readonly #ports: DeliveryPorts;
  readonly #protocol: JsonProtocol;

  /** The state is `events.sqlite` in `directory`; nothing is delivered before `start`. */
  constructor(options: DeliveryPorts & { directory: string }) {
    this.#store = new EventStore(options.directory);
    this.rules = new RuleRegistry(this.#store);
    this.#ports = options;
    this.#deliveries = new Deliveries(this.#store, options);
    this.#protocol = {
      signingName: this.signingName,
      contentType: 'application/x-amz-json-1.1',
      targetPrefix: 'AWSEvents',
      missingFieldCode: 'ValidationException',
      operations: eventOperations({
        rules: this.rules,
        now: () => options.clock.now(),
        accept: (bus, content) => this.accept(content, bus).id,
      }),
    };
  }

  /** Starts to deliver, beginning with the deliveries of an earlier run. Call this when the targets can be reached. */
  start(): void {
    this.#deliveries.start();
  }

  /**
   * Accepts an event from a program or from an AWS service. When it returns, the event is recorded for every matching
   * target.
   */
  accept(content: EventContent, bus = 'default'): AwsEvent {
    const event = envelope(content);
    const acceptedAt = this.#ports.clock.now();
    const deliveries = this.rules.matching(bus, event).flatMap(({ ruleArn, targets }) =>
      targets.map((target) => ({
        ruleArn,
        target,
        payload: payloadFor(target, event, { ruleArn, acceptedAt }),
        tries: 0,
        acceptedAt,
        dueAt: acceptedAt,
      })),
    );
    if (deliveries.length > 0) this.#deliveries.add(deliveries);
    return event;
  }

  handle(request: IncomingMessage, response: ServerResponse, caller: Caller = ACCOUNT_OWNER): Promise<void> {
    return serveJson(this.#protocol, request, response, caller);
  }

  async close(): Promise<void> {
    this.#deliveries.close();
    this.#store.close();
  }
}
