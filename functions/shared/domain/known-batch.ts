import type { BatchError } from '../contract/events.ts';
import type { KnownBatch, ObservedBatch } from './part.ts';

const MAX_MESSAGE = 300; // characters; 20 errors of six bytes per character stay below the 64 KB of an event
const MAX_NAME = 64;

/** What is known of a batch before the API says anything. `createdAt` in milliseconds. */
export type Sent = Pick<KnownBatch, 'endpoint' | 'inputFileId' | 'createdAt'>;

/**
 * Returns the batch in the form that a part stores. A field that the API omits keeps the value that was sent or known
 * before (rule 6 of "What an answer is worth", docs/architecture.md). Error texts are shortened, so that the ledger
 * item and the events stay within their size limits.
 */
export function knownBatch(observed: ObservedBatch, { endpoint, inputFileId, createdAt }: Sent): KnownBatch {
  return {
    ...observed,
    endpoint: observed.endpoint ?? endpoint,
    inputFileId: observed.inputFileId ?? inputFileId,
    createdAt: observed.createdAt ?? createdAt,
    errors: observed.errors.map(boundedError),
  };
}

function boundedError({ code, message, param, line }: BatchError): BatchError {
  return {
    code: cut(code, MAX_NAME),
    message: cut(message, MAX_MESSAGE),
    param: cut(param, MAX_NAME),
    line,
  };
}

function cut(text: string | null, maxLength: number): string | null {
  return text === null || text.length <= maxLength ? text : `${text.slice(0, maxLength - 1).toWellFormed()}…`;
}
