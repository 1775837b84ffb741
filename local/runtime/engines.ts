import { CloudFormationEngine } from '../aws/cloudformation/engine.ts';
import { DynamoDbEngine } from '../aws/dynamodb/engine.ts';
import { EventsEngine } from '../aws/events/engine.ts';
import type { Authorizer } from '../aws/iam/authorizer.ts';
import { IamEngine } from '../aws/iam/engine.ts';
import { LambdaEngine } from '../aws/lambda/engine.ts';
import { S3Engine } from '../aws/s3/engine.ts';
import { SchedulerEngine } from '../aws/scheduler/engine.ts';
import { SecretsEngine } from '../aws/secretsmanager/engine.ts';
import { SqsEngine } from '../aws/sqs/engine.ts';
import type { Clock } from '../clock.ts';
import type { StackPlan } from './template/stack-plan.ts';

/** How events and schedules invoke functions. */
export interface Invocations {
  /** Invokes the function once for a rule. Rejects if the function failed, or if the rule has no permission. */
  readonly invoke: (functionArn: string, event: unknown, ruleArn: string) => Promise<void>;
  /** Starts an invocation without waiting for it. */
  readonly invokeLater: (functionArn: string, event: unknown) => void;
  /** Called with a sentence for each event that a target did not receive. */
  readonly report: (problem: string) => void;
}

/** The local AWS services, wired to each other. */
export class Engines {
  readonly s3: S3Engine;
  readonly sqs: SqsEngine;
  readonly events: EventsEngine;
  readonly scheduler: SchedulerEngine;
  readonly secrets: SecretsEngine;
  readonly dynamoDb: DynamoDbEngine;
  readonly cloudFormation: CloudFormationEngine;
  readonly lambda: LambdaEngine;
  readonly iam: IamEngine;

  constructor(options: {
    directory: string;
    clock: Clock;
    invocations: Invocations;
    authorizer: Authorizer;
  }) {
    const { directory, clock, invocations, authorizer } = options;
    this.sqs = new SqsEngine({ directory, clock });
    const { queues } = this.sqs;
    this.events = new EventsEngine({
      directory,
      clock,
      sendToQueue: (arn, body, attributes, ruleArn) => {
        const { arn: resource } = queues.byArn(arn);
        authorizer.service('events.amazonaws.com', ruleArn).demand({ action: 'sqs:SendMessage', resource });
        queues.send(arn, body, { attributes });
      },
      invokeLambda: invocations.invoke,
      report: invocations.report,
    });
    this.s3 = new S3Engine({
      directory: `${directory}/s3`,
      clock,
      onObjectCreated: (event) => {
        const { source, 'detail-type': detailType, detail, resources, time } = event;
        this.events.accept({ source, detailType, detail, resources, time: Date.parse(time) });
      },
    });
    this.scheduler = new SchedulerEngine({
      directory,
      clock,
      invoke: (arn, input) => invocations.invokeLater(arn, JSON.parse(input)),
    });
    this.secrets = new SecretsEngine({ clock });
    this.dynamoDb = new DynamoDbEngine({ directory });
    this.cloudFormation = new CloudFormationEngine({ now: () => clock.now() });
    this.lambda = new LambdaEngine();
    this.iam = new IamEngine({ authorizer });
  }

  get all() {
    const { s3, sqs, events, scheduler, secrets, dynamoDb, cloudFormation, lambda, iam } = this;
    return [s3, sqs, events, scheduler, secrets, dynamoDb, cloudFormation, lambda, iam];
  }

  /** Creates the resources of the plan that do not exist yet, and updates the settings of the others. */
  async apply(plan: StackPlan): Promise<void> {
    for (const { name, versioned, eventBridge } of plan.buckets) {
      this.s3.createBucket(name, { versioned, eventBridge });
    }
    for (const { name, settings } of plan.queues)
      this.sqs.queues.createQueue(name, { ...settings, time: 'clock' });
    for (const table of plan.tables) await this.dynamoDb.createTable(table);
    for (const described of plan.functions) this.lambda.putFunction(described);
    for (const described of plan.mappings) this.lambda.putMapping(described);
    const { rules } = this.events;
    for (const bus of plan.buses) rules.createBus(bus);
    for (const { targets, arn: _, ...rule } of plan.rules) {
      rules.putRule(rule);
      rules.putTargets(rule.bus, rule.name, targets);
    }
  }

  /** Starts deliveries and schedules, beginning with the deliveries of an earlier run. The functions must be ready. */
  async start(plan: StackPlan): Promise<void> {
    this.events.start();
    await this.s3.deliverPending();
    for (const { name, expression, enabled, targetArn, input } of plan.schedules) {
      if (enabled) this.scheduler.createSchedule({ name, expression, target: { arn: targetArn, input } });
    }
  }

  /** Closes the services. Those that start work are closed first. */
  async close(): Promise<void> {
    await this.scheduler.close();
    await this.s3.close();
    await this.events.close();
    await this.sqs.close();
    await this.dynamoDb.close();
    await this.secrets.close();
  }
}
