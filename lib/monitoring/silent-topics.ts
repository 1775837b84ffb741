import { Annotations, Aspects, Reference, Stack, Tokenization } from 'aws-cdk-lib';
import type { Alarm, IAlarmAction } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { CfnTopicPolicy } from 'aws-cdk-lib/aws-sns';
import type { Construct, IConstruct } from 'constructs';

const ADMITTED =
  /"Service":[^}]*"cloudwatch\.amazonaws\.com"|"Effect":"Allow"[^}]*"Principal":(\{"AWS":)?"\*"/;

/**
 * Warns at synth about each topic of alarms whose policy admits no alarm: with `enforceSSL`, for example. CloudWatch drops the
 * messages to such a topic, and only the history of the alarm says so. Not known: topics of other apps.
 */
export function warnOfSilentTopics(
  batchdrop: Construct,
  alarm: Alarm,
  actions: readonly (IAlarmAction | undefined)[],
): void {
  const topics = new Set(
    actions.flatMap((action) =>
      action instanceof SnsAction ? referredBy(action.bind(batchdrop, alarm).alarmActionArn) : [],
    ),
  );
  // As an aspect, because the policy may be made after the Batchdrop.
  Aspects.of(batchdrop).add({
    visit: (node) => {
      if (node !== batchdrop) return;
      for (const topic of topics) {
        if (admitsAlarms(topic)) continue;
        Annotations.of(batchdrop).addWarningV2(
          'batchdrop:silentAlarmTopic',
          `alarms cannot publish to ${topic.node.path}, because its policy does not allow it; call grantPublish(new ServicePrincipal('cloudwatch.amazonaws.com')) of the topic.`,
        );
      }
    },
  });
}

function referredBy(arn: string): IConstruct[] {
  return Tokenization.reverseString(arn).tokens.flatMap((token) =>
    Reference.isReference(token) ? [token.target] : [],
  );
}

/** A topic without a policy of its own has AWS's default policy, which admits the alarms of the account. */
function admitsAlarms(topic: IConstruct): boolean {
  const policies = topic.node.root.node
    .findAll()
    .filter((node) => node instanceof CfnTopicPolicy)
    .filter(({ topics }) => topics.flatMap(referredBy).includes(topic));
  if (policies.length === 0) return true;
  return policies.some((policy) =>
    ADMITTED.test(JSON.stringify(Stack.of(policy).resolve(policy.policyDocument))),
  );
}
