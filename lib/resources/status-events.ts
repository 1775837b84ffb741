import { EventBus, type IEventBus, type IRuleTarget, Rule } from 'aws-cdk-lib/aws-events';
import { Construct } from 'constructs';
import type { JobStatus, ReportedBatchStatus } from '../../functions/shared/contract/batch-status.ts';
import {
  batchStatusPattern,
  jobStatusPattern,
  ofInstance,
} from '../../functions/shared/contract/patterns.ts';

/** Who is told. */
export interface Subscriber {
  target: IRuleTarget;
}

/** Who is told of which statuses. */
export interface Subscription<Status extends string> extends Subscriber {
  /** Only these statuses; every one if left out. */
  status?: readonly [Status, ...Status[]];
}

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

/** The events of one Batchdrop on its bus, which may be another one's, too. */
export interface OwnEvents {
  eventBus: IEventBus;
  instance: string;
}

/** A rule for status changes of batches. */
export function batchStatusRule(
  scope: Construct,
  id: string,
  { eventBus, instance }: OwnEvents,
  { target, status }: Subscription<ReportedBatchStatus>,
): Rule {
  const eventPattern = ofInstance(instance, batchStatusPattern(...(status ?? [])));
  return new Rule(scope, id, { eventBus, eventPattern, targets: [target] });
}

/** A rule for status changes of jobs. */
export function jobStatusRule(
  scope: Construct,
  id: string,
  { eventBus, instance }: OwnEvents,
  { target, status }: Subscription<JobStatus>,
): Rule {
  const eventPattern = ofInstance(instance, jobStatusPattern(...(status ?? [])));
  return new Rule(scope, id, { eventBus, eventPattern, targets: [target] });
}
