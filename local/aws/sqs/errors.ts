import { AwsError } from '../protocol/aws-error.ts';

const LEGACY = 'AWS.SimpleQueueService';

function refuse(code: string, queryCode: string, message: string): AwsError {
  return new AwsError(code, message, { queryCode });
}

export const queueDoesNotExist = (name: string) =>
  refuse('QueueDoesNotExist', `${LEGACY}.NonExistentQueue`, `The queue "${name}" does not exist.`);

export const queueNameExists = (name: string, differing: string) =>
  refuse(
    'QueueNameExists',
    'QueueAlreadyExists',
    `A queue "${name}" already exists with another value of ${differing}.`,
  );

export const invalidParameter = (reason: string) =>
  refuse('InvalidParameterValue', 'InvalidParameterValue', reason);

export const missingParameter = (name: string) =>
  refuse('MissingParameter', 'MissingParameter', `The request must contain the parameter ${name}.`);

export const invalidAttributeName = (name: string) =>
  refuse('InvalidAttributeName', 'InvalidAttributeName', `Unknown attribute ${name}.`);

export const invalidAttributeValue = (reason: string) =>
  refuse('InvalidAttributeValue', 'InvalidAttributeValue', reason);

export const invalidMessageContents = () =>
  refuse(
    'InvalidMessageContents',
    'InvalidMessageContents',
    'The message contains a character that XML 1.0 does not allow.',
  );

export const invalidReceiptHandle = () =>
  refuse('ReceiptHandleIsInvalid', 'ReceiptHandleIsInvalid', 'The receipt handle is not one of this queue.');

export const messageNotInFlight = () =>
  refuse(
    'MessageNotInflight',
    `${LEGACY}.MessageNotInflight`,
    'The message is not in flight, or was received again since then.',
  );

export const emptyBatch = () =>
  refuse(
    'EmptyBatchRequest',
    `${LEGACY}.EmptyBatchRequest`,
    'There should be at least one entry in the request.',
  );

export const tooManyEntries = (count: number) =>
  refuse(
    'TooManyEntriesInBatchRequest',
    `${LEGACY}.TooManyEntriesInBatchRequest`,
    `Maximum number of entries per request are 10. You have sent ${count}.`,
  );

export const entryIdsNotDistinct = (id: string) =>
  refuse('BatchEntryIdsNotDistinct', `${LEGACY}.BatchEntryIdsNotDistinct`, `Id ${id} repeated.`);

export const invalidEntryId = () =>
  refuse(
    'InvalidBatchEntryId',
    `${LEGACY}.InvalidBatchEntryId`,
    'An entry id has 1 to 80 letters, digits, hyphens and underscores.',
  );

export const batchTooLong = (bytes: number) =>
  refuse(
    'BatchRequestTooLong',
    `${LEGACY}.BatchRequestTooLong`,
    `Batch requests cannot be longer than 1048576 bytes. You have sent ${bytes} bytes.`,
  );
