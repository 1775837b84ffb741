import { parseStatements, type Statement } from '../../aws/iam/statement.ts';

/** The policies of AWS that the CDK gives to functions, with the actions that AWS documents for them. */
const ACTIONS: Readonly<Record<string, readonly string[]>> = {
  'service-role/AWSLambdaBasicExecutionRole': [
    'logs:CreateLogGroup',
    'logs:CreateLogStream',
    'logs:PutLogEvents',
  ],
  'service-role/AWSLambdaVPCAccessExecutionRole': [
    'logs:CreateLogGroup',
    'logs:CreateLogStream',
    'logs:PutLogEvents',
    'ec2:CreateNetworkInterface',
    'ec2:DescribeNetworkInterfaces',
    'ec2:DescribeSubnets',
    'ec2:DeleteNetworkInterface',
    'ec2:AssignPrivateIpAddresses',
    'ec2:UnassignPrivateIpAddresses',
  ],
  'service-role/AWSLambdaSQSQueueExecutionRole': [
    'sqs:ReceiveMessage',
    'sqs:DeleteMessage',
    'sqs:GetQueueAttributes',
    'logs:CreateLogGroup',
    'logs:CreateLogStream',
    'logs:PutLogEvents',
  ],
  AWSXRayDaemonWriteAccess: [
    'xray:PutTraceSegments',
    'xray:PutTelemetryRecords',
    'xray:GetSamplingRules',
    'xray:GetSamplingTargets',
    'xray:GetSamplingStatisticSummaries',
  ],
};

/** Returns the statements of a policy of AWS. Throws an Error for one whose actions are not known here. */
export function managedPolicy(arn: string): Statement[] {
  const name = arn.slice(arn.indexOf(':policy/') + ':policy/'.length);
  const Action = ACTIONS[name];
  if (Action === undefined)
    throw new Error(
      `the actions of the managed policy ${name} are not known here: write a policy of your own`,
    );
  return parseStatements({ Statement: { Effect: 'Allow', Action, Resource: '*' } }, name);
}
