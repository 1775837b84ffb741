import { EventBus, type IEventBus } from 'aws-cdk-lib/aws-events';
import { Construct } from 'constructs';

/** The event bus for status changes: the user's own, or created here. */
export class StatusEvents extends Construct {
  readonly eventBus: IEventBus;

  constructor(
    scope: Construct,
    id: string,
    { eventBus, instance }: { eventBus: IEventBus | undefined; instance: string },
  ) {
    super(scope, id);
    // `as`: under exactOptionalPropertyTypes, the CDK's class does not match its own interface.
    this.eventBus =
      eventBus ??
      (new EventBus(this, 'Bus', {
        eventBusName: instance, // CloudFormation does not generate names for buses
        description: 'Status changes of OpenAI batches and of their jobs',
      }) as IEventBus);
  }
}
