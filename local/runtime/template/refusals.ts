/** What the local runtime cannot run of an app: where, what, and what to do instead. */
import { UnsupportedProperties } from './properties.ts';

/** Hints by type, or by type and property. Without one, the general advice at the end of the list has to do. */
const INSTEAD: Readonly<Record<string, string>> = {
  'AWS::SQS::Queue FifoQueue': 'use a standard queue',
  'AWS::DynamoDB::Table StreamSpecification': 'tables have no streams here',
  'AWS::DynamoDB::Table LocalSecondaryIndexes': 'use a global secondary index',
  'AWS::DynamoDB::GlobalTable': 'use Table instead of TableV2',
  'AWS::Events::Rule ScheduleExpression':
    'use a Schedule of EventBridge Scheduler with a rate, such as `rate(5 minutes)`',
  'AWS::Events::Archive': 'events are not archived here',
  'AWS::Lambda::Function Layers': 'bundle the code of the layer with the function',
  'AWS::Lambda::Function DeadLetterConfig': 'set the dead-letter queue at the target of the rule',
  'AWS::Lambda::EventInvokeConfig DestinationConfig': 'set the dead-letter queue at the target of the rule',
  'AWS::Lambda::EventSourceMapping FilterCriteria': 'filter in the pattern of the rule, or in the function',
  'AWS::Lambda::Alias': 'name the function itself as the target',
  'AWS::Lambda::LayerVersion': 'bundle the code of the layer with the function',
  'AWS::SNS::Topic':
    'topics run only for alarms, which do nothing here: send events to a queue or a function',
  'AWS::CloudFormation::Stack': 'use a Stack of its own instead of a NestedStack',
  'AWS::CloudFormation::CustomResource': 'nothing is deployed here, so that it would never run',
  'AWS::ApiGateway::RestApi': 'give the function a URL of its own',
  'AWS::ApiGatewayV2::Api': 'give the function a URL of its own',
};

const ADVICE =
  'Leave these out of the app for a run on one machine, for example if `this.node.tryGetContext("local")` is set ' +
  '(batchdrop up -c local=yes), run other stacks only (--only STACK), or deploy the app to AWS.';

/** One resource that the runtime refuses. */
export interface Refusal {
  /** The path of the construct, or the logical id. */
  readonly place: string;
  readonly type: string;
  /** A clause without a full stop. */
  readonly reason: string;
}

/** Thrown before anything runs. `lines` has one line for each refused resource, and what to do. */
export class UnsupportedApp extends Error {
  override readonly name = 'UnsupportedApp';
  readonly lines: readonly string[];

  constructor(refusals: readonly Refusal[]) {
    const lines = [...refusals.map(lineOf), ADVICE];
    super(['The local runtime does not support all of the app:', ...lines].join('\n'));
    this.lines = lines;
  }
}

/** The type has no reader. */
export class UnsupportedType extends Error {
  override readonly name = 'UnsupportedType';

  constructor() {
    super('resources of this type are not supported');
  }
}

/** Returns the refusal for what a reader has thrown. */
export function refusalOf(place: string, type: string, cause: unknown): Refusal {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const hint = hintFor(type, cause);
  return { place, type, reason: hint === undefined ? reason : `${reason}; ${hint}` };
}

function hintFor(type: string, cause: unknown): string | undefined {
  if (cause instanceof UnsupportedProperties) {
    if (cause.properties.some((property) => property.startsWith('NotificationConfiguration.')))
      return 'set eventBridgeEnabled, and use a rule for the events of S3';
    return cause.properties.map((property) => INSTEAD[`${type} ${property}`]).find((hint) => hint);
  }
  if (!(cause instanceof UnsupportedType)) return undefined;
  return (
    INSTEAD[type] ??
    (type.startsWith('Custom::') ? INSTEAD['AWS::CloudFormation::CustomResource'] : undefined)
  );
}

function lineOf({ place, type, reason }: Refusal): string {
  return `${place} (${type}): ${reason.replace(/\.$/, '')}.`;
}
