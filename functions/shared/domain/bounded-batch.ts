import type { BatchError } from '../contract/events.ts';
import type { ObservedBatch } from './part.ts';

const MAX_MESSAGE = 300; // characters; with 20 errors of six bytes a character still below an event's 64 KB
const MAX_NAME = 64;

/** What is kept of a batch: errors with their texts cut, so that neither its ledger item nor its events grow too large. */
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

function cut(text: string | null, longest: number): string | null {
  return text === null || text.length <= longest ? text : `${text.slice(0, longest - 1).toWellFormed()}…`;
}
