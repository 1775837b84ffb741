/**
 * Recognises a batch that the API failed before a row ran, and only for a temporary reason (rule 3 of "What an answer
 * is worth", docs/architecture.md): the token limit, or an account that cannot pay.
 */
import type { BatchError } from '../../contract/events.ts';
import type { ObservedBatch } from '../part.ts';
import { isAccountCode, isAccountText, unquoted } from './account-refusal.ts';
import { enqueuedLimitIn, isAboutOpenBatches, type NamedLimit } from './enqueued-limit.ts';

/** Why the API refused the batch for now. */
export interface PassingRefusal {
  for: 'token_limit' | 'account';
  limit?: NamedLimit;
  said?: string;
}

/** Returns why the API refused the batch for now. Undefined if it did not, or if the input has errors as well. */
export function passingRefusalOf({ status, errors, counts }: ObservedBatch): PassingRefusal | undefined {
  if (status !== 'failed' || (counts?.completed ?? 0) > 0) return undefined;
  const all = errors.map(passingError);
  const [first] = all;
  if (!first || all.some((one) => one?.for !== first.for)) return undefined;
  return all.find((one) => one?.limit?.limit !== undefined) ?? first;
}

function passingError({ code, message, param, line }: BatchError): PassingRefusal | undefined {
  const said = message ?? code ?? '';
  const limit = enqueuedLimitIn(message ?? '', code);
  if (limit) return { for: 'token_limit', limit, said };
  // A message about a row or a parameter may repeat the user's own text.
  const text = line === null && param === null ? unquoted(message ?? '') : '';
  if (isAboutOpenBatches(text)) return { for: 'token_limit', said };
  return isAccountCode(code ?? '') || isAccountText(text) ? { for: 'account', said } : undefined;
}
