import type { BatchError } from '../contract/events.ts';
import type { ObservedBatch } from './part.ts';

const MAX_MESSAGE = 300; // characters; 20 errors of six bytes per character stay below the 64 KB of an event
const MAX_NAME = 64;

/**
 * Returns the batch with its error texts shortened, so that its ledger item and its events stay within their limits.
 */
export function boundedBatch(batch: ObservedBatch): ObservedBatch {
  return { ...batch, errors: batch.errors.map(boundedError) };
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
