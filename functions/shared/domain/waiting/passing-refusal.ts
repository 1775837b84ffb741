/**
 * A batch that the API failed before it ran a row, only because of something that passes (rule 3 of "What an answer is
 * worth", docs/architecture.md): too much is enqueued, or the account cannot pay.
 */
import type { BatchError } from '../../contract/events.ts';
import type { ObservedBatch } from '../part.ts';
import { enqueuedLimitIn, type NamedLimit } from './enqueued-limit.ts';

/** Codes that say that the account cannot pay or may not use the service, until somebody acts. */
const ACCOUNT_CODES: ReadonlySet<string> = new Set([
  'billing_hard_limit_reached',
  'billing_not_active',
  'insufficient_quota',
  'credit_balance_exhausted',
  'organization_usage_limit_exceeded',
  'organization_spend_limit_exceeded',
  'project_spend_limit_exceeded',
  'account_deactivated',
]);

/** Why the batch was refused for now. */
export interface PassingRefusal {
  for: 'token_limit' | 'account';
  limit?: NamedLimit;
  said?: string;
}

/** Returns why the API refused the batch for now; undefined when it did not, or when the input has errors, too. */
export function passingRefusalOf({ status, errors, counts }: ObservedBatch): PassingRefusal | undefined {
  if (status !== 'failed' || (counts?.completed ?? 0) > 0) return undefined;
  const all = errors.map(passingError);
  const [first] = all;
  if (!first || all.some((one) => one?.for !== first.for)) return undefined;
  return all.find((one) => one?.limit?.limit !== undefined) ?? first;
}

function passingError({ code, message }: BatchError): PassingRefusal | undefined {
  const said = message ?? code ?? '';
  const limit = enqueuedLimitIn(message ?? '', code);
  if (limit) return { for: 'token_limit', limit, said };
  return code !== null && ACCOUNT_CODES.has(code) ? { for: 'account', said } : undefined;
}
