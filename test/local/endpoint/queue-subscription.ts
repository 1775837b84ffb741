import { type EventBridgeClient, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  SetQueueAttributesCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';

interface Clients {
  readonly sqs: SQSClient;
  readonly events: EventBridgeClient;
}

interface QueueSubscription {
  /** Name of the queue and of the rule. */
  readonly name: string;
  readonly bus: string;
  readonly pattern: object;
  /** Attributes of the queue. */
  readonly attributes?: Record<string, string>;
}

/** Creates a queue and a rule that sends it matching events. Returns the queue's URL. */
export async function subscribeQueue(
  { sqs, events }: Clients,
  { name, bus, pattern, attributes = {} }: QueueSubscription,
): Promise<string> {
  const { QueueUrl = '' } = await sqs.send(
    new CreateQueueCommand({ QueueName: name, Attributes: attributes }),
  );
  const { Attributes: { QueueArn = '' } = {} } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }),
  );
  const rule = { Name: name, EventBusName: bus, EventPattern: JSON.stringify(pattern) };
  const { RuleArn = '' } = await events.send(new PutRuleCommand(rule));
  const Policy = JSON.stringify(policyFor(QueueArn, RuleArn));
  await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy } }));
  const Targets = [{ Id: 'queue', Arn: QueueArn }];
  await events.send(new PutTargetsCommand({ Rule: name, EventBusName: bus, Targets }));
  return QueueUrl;
}

/** As on AWS, a queue accepts a rule's messages only if its policy allows it. */
function policyFor(queueArn: string, ruleArn: string): object {
  const Statement = {
    Effect: 'Allow',
    Principal: { Service: 'events.amazonaws.com' },
    Action: 'sqs:SendMessage',
    Resource: queueArn,
    Condition: { ArnEquals: { 'aws:SourceArn': ruleArn } },
  };
  return { Version: '2012-10-17', Statement };
}
