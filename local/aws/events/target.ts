import { validationError } from '../protocol/aws-error.ts';
import type { Input } from '../protocol/input.ts';
import { queueNameOfArn } from '../sqs/queue.ts';
import type { AwsEvent } from './event.ts';
import { isJson, parseInputTransformer, transform } from './input-transformer.ts';
import { follow, isPath } from './patterns/event-path.ts';
import { parseRetryPolicy, wireRetryPolicy } from './retry-policy.ts';
import type { Target } from './store.ts';

const TARGET_ID = /^[A-Za-z0-9._-]{1,64}$/;
const UNDERSTOOD = new Set([
  'Id',
  'Arn',
  'Input',
  'InputPath',
  'InputTransformer',
  'DeadLetterConfig',
  'RetryPolicy',
  'RoleArn', // has no effect here
]);

/** Parses a target in the form of PutTargets and CloudFormation. Throws for fields that would have no effect. */
export function parseTarget(fields: Input): Target {
  const id = fields.text('Id');
  if (!TARGET_ID.test(id))
    throw validationError(`Target id "${id}": only letters, digits and . _ - are allowed.`);
  const foreign = fields.names().find((name) => !UNDERSTOOD.has(name));
  if (foreign !== undefined) {
    throw validationError(`Target ${id}: ${foreign} is not implemented by this local endpoint.`);
  }
  const arn = fields.text('Arn');
  if (!isQueue(arn) && !arn.startsWith('arn:aws:lambda:')) {
    throw validationError(
      `Target ${id}: only SQS queues and Lambda functions can be targets here, not ${arn}.`,
    );
  }
  const deadLetterArn = fields.optionalObject('DeadLetterConfig')?.optionalText('Arn');
  if (deadLetterArn !== undefined && !isQueue(deadLetterArn)) {
    throw validationError(`Target ${id}: a dead-letter queue must be an SQS queue, not ${deadLetterArn}.`);
  }
  const retryPolicy = parseRetryPolicy(fields.optionalObject('RetryPolicy'));
  return {
    id,
    arn,
    ...parseInputChange(id, fields),
    ...(deadLetterArn !== undefined && { deadLetterArn }),
    ...(retryPolicy !== undefined && { retryPolicy }),
  };
}

export function isQueue(arn: string): boolean {
  return queueNameOfArn(arn) !== undefined;
}

/** Returns the target's input for `event` as JSON. An InputPath without a value gives `null`. */
export function payloadFor(
  target: Target,
  event: AwsEvent,
  way: { readonly ruleArn: string; readonly acceptedAt: number },
): string {
  if (target.input !== undefined) return target.input;
  if (target.inputTransformer !== undefined) return transform(target.inputTransformer, event, way);
  if (target.inputPath === undefined) return JSON.stringify(event);
  return JSON.stringify(follow(target.inputPath, event) ?? null);
}

/** Returns the target in the form of ListTargetsByRule. */
export function wireTarget(target: Target): object {
  return {
    Id: target.id,
    Arn: target.arn,
    ...(target.input !== undefined && { Input: target.input }),
    ...(target.inputPath !== undefined && { InputPath: target.inputPath }),
    ...(target.inputTransformer !== undefined && {
      InputTransformer: {
        InputPathsMap: target.inputTransformer.paths,
        InputTemplate: target.inputTransformer.template,
      },
    }),
    ...(target.deadLetterArn !== undefined && { DeadLetterConfig: { Arn: target.deadLetterArn } }),
    ...(target.retryPolicy !== undefined && { RetryPolicy: wireRetryPolicy(target.retryPolicy) }),
  };
}

type InputChange = Pick<Target, 'input' | 'inputPath' | 'inputTransformer'>;

function parseInputChange(id: string, fields: Input): InputChange {
  const input = fields.optionalText('Input');
  const inputPath = fields.optionalText('InputPath');
  const transformer = fields.optionalObject('InputTransformer');
  if ([input, inputPath, transformer].filter((each) => each !== undefined).length > 1) {
    throw validationError(
      `Only one of Input, InputPath, or InputTransformer must be provided for target ${id}.`,
    );
  }
  if (input !== undefined && !isJson(input)) throw validationError(`Target ${id}: Input is not JSON.`);
  if (inputPath !== undefined && !isPath(inputPath)) {
    throw validationError(`Target ${id}: InputPath "${inputPath}" is not of the form $.name.name[0].`);
  }
  return {
    ...(input !== undefined && { input }),
    ...(inputPath !== undefined && { inputPath }),
    ...(transformer !== undefined && { inputTransformer: parseInputTransformer(id, transformer) }),
  };
}
