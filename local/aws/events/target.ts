import type { Input } from '../input.ts';
import { validationError } from '../refusal.ts';
import { queueNameOfArn } from '../sqs/queue.ts';
import type { AwsEvent } from './event.ts';
import type { Target } from './store.ts';

const TARGET_ID = /^[A-Za-z0-9._-]{1,64}$/;
const INPUT_PATH = /^\$(\.[A-Za-z0-9_-]+)*$/;
const UNDERSTOOD = new Set([
  'Id',
  'Arn',
  'Input',
  'InputPath',
  'DeadLetterConfig',
  'RetryPolicy',
  'RoleArn', // grants nothing here
]);

/** Lambda runs an event that nobody waits for up to three times. */
const MOST_RETRIES = 2;

/** Reads a target in the shape that PutTargets and CloudFormation share; refuses what would not be honoured. */
export function parseTarget(fields: Input): Target {
  const id = fields.text('Id');
  if (!TARGET_ID.test(id)) throw validationError(`Target id "${id}": letters, digits and . _ - are allowed.`);
  const foreign = fields.names().find((name) => !UNDERSTOOD.has(name));
  if (foreign !== undefined) {
    throw validationError(`Target ${id}: ${foreign} is not implemented by this local endpoint.`);
  }
  const arn = fields.text('Arn');
  if (!isQueue(arn) && !arn.startsWith('arn:aws:lambda:')) {
    throw validationError(`Target ${id}: only SQS queues and Lambda functions are targets here, not ${arn}.`);
  }
  const deadLetterArn = fields.optionalObject('DeadLetterConfig')?.optionalText('Arn');
  const asked = fields.optionalObject('RetryPolicy')?.optionalInteger('MaximumRetryAttempts');
  return {
    id,
    arn,
    ...parseInputChange(id, fields),
    ...(deadLetterArn !== undefined && { deadLetterArn }),
    retries: Math.min(asked ?? MOST_RETRIES, MOST_RETRIES),
  };
}

export function isQueue(arn: string): boolean {
  return queueNameOfArn(arn) !== undefined;
}

/** What `target` gets of `event`, as JSON; a path that leads nowhere gives `null`. */
export function payloadFor(target: Target, event: AwsEvent): string {
  if (target.input !== undefined) return target.input;
  if (target.inputPath === undefined) return JSON.stringify(event);
  let value: unknown = event;
  for (const name of target.inputPath.split('.').slice(1)) {
    value = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
  }
  return JSON.stringify(value ?? null);
}

/** The target in the shape of ListTargetsByRule. */
export function wireTarget(target: Target): object {
  return {
    Id: target.id,
    Arn: target.arn,
    ...(target.input !== undefined && { Input: target.input }),
    ...(target.inputPath !== undefined && { InputPath: target.inputPath }),
    ...(target.deadLetterArn !== undefined && { DeadLetterConfig: { Arn: target.deadLetterArn } }),
    RetryPolicy: { MaximumRetryAttempts: target.retries },
  };
}

function parseInputChange(id: string, fields: Input): Pick<Target, 'input' | 'inputPath'> {
  const input = fields.optionalText('Input');
  const inputPath = fields.optionalText('InputPath');
  if (input !== undefined && inputPath !== undefined) {
    throw validationError(`Target ${id}: only one of Input and InputPath may be given.`);
  }
  if (input !== undefined && !isJson(input)) throw validationError(`Target ${id}: Input is not JSON.`);
  if (inputPath !== undefined && !INPUT_PATH.test(inputPath)) {
    throw validationError(`Target ${id}: InputPath "${inputPath}" is not of the form $.name.name.`);
  }
  return { ...(input !== undefined && { input }), ...(inputPath !== undefined && { inputPath }) };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
