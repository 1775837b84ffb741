import { Annotations, type StackProps, Token } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { NAME_OF_PROP } from '../context-names.ts';
import { propMeantBy } from './prop-shapes.ts';
import { nameShown, shown } from './shown.ts';

/** The props of every stack, which the Batchdrop in it does not get. */
const OF_STACKS: Readonly<Record<keyof StackProps, true>> = {
  analyticsReporting: true,
  crossRegionReferences: true,
  description: true,
  env: true,
  notificationArns: true,
  permissionsBoundary: true,
  propertyInjectors: true,
  stackName: true,
  suppressTemplateIndentation: true,
  synthesizer: true,
  tags: true,
  terminationProtection: true,
};

const BUCKET_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]$/; // with the old names of us-east-1
const SECRET_NAME = /^[\w/+=.@-]{1,512}$/;

/** Yields what is wrong with the names of resources of your own, and constructs in their place. */
export function* stackPropProblems(props: object): Generator<string> {
  const given: Record<string, unknown> = { ...props };
  const { requestBucketName, resultsBucketName, apiKeySecretName, webhookSecretName } = given;
  for (const [prop, name] of Object.entries({ requestBucketName, resultsBucketName }))
    if (!isName(name, BUCKET_NAME))
      yield `${prop} is ${shown(name)}; set the name of a bucket alone, such as my-files.`;
  for (const [prop, name] of Object.entries({ apiKeySecretName, webhookSecretName }))
    if (!isName(name, SECRET_NAME))
      yield `${prop} is ${shown(name)}; set the name of a secret alone, such as batchdrop/openai.`;
  if (webhookSecretName !== undefined && given.webhook === undefined)
    yield 'webhookSecretName is set without webhook; set both or neither.';
  for (const prop of ['requestBucket', 'resultsBucket', 'apiKeySecret'])
    if (Object.hasOwn(props, prop))
      yield `${prop} is not a prop of BatchdropStack; set ${NAME_OF_PROP[prop]}, or use Batchdrop in a stack of your own.`;
}

function isName(name: unknown, pattern: RegExp): boolean {
  if (name === undefined || Token.isUnresolved(name)) return true;
  return typeof name === 'string' && pattern.test(name);
}

/**
 * Returns the props that are for the Batchdrop of a stack, with those that look as if they were. A later CDK may give
 * stacks more props, so what nobody knows is only warned of.
 */
export function propsOfBatchdrop<Props extends object>(scope: Construct, props: Props): Props {
  const ours = Object.entries(props).filter(([name, value]) => {
    if (Object.hasOwn(OF_STACKS, name)) return false;
    if (propMeantBy(name) !== undefined || value === undefined) return value !== undefined;
    Annotations.of(scope).addWarningV2(
      'batchdrop:unknownProp',
      `${nameShown(name)} is not a prop of Batchdrop and has no effect on it; docs/quotas-and-tuning.md lists every prop.`,
    );
    return false;
  });
  return Object.assign({}, ...ours.map(([name, value]) => ({ [name]: value })));
}
