import { EventBus, type IEventBus } from 'aws-cdk-lib/aws-events';
import { Construct } from 'constructs';

/** The bus that every status change is published on. */
export class StatusEvents extends Construct {
  readonly eventBus: IEventBus;

  constructor(
    scope: Construct,
    id: string,
    { eventBus, instance }: { eventBus: IEventBus | undefined; instance: string },
  ) {
    super(scope, id);
    // `as`: the CDK's class misses its interface only in the eyes of exactOptionalPropertyTypes.
    this.eventBus =
      eventBus ??
      (new EventBus(this, 'Bus', {
        eventBusName: instance, // CloudFormation makes no names for buses
        description: 'Status changes of OpenAI batches and of their jobs',
      }) as IEventBus);
  }
}
