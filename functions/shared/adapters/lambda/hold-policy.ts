import { amountOf } from '../../domain/money/amount.ts';
import type { HoldPolicy } from '../../domain/money/reason-to-hold.ts';
import { APPROVAL_EXPIRES_MS } from '../../domain/timing.ts';

/**
 * The policy as the construct writes them into the environment: an amount of money, and seconds. Throws a sentence for anything
 * else.
 */
export function parseHoldPolicy(above: string | undefined, expiresAfter: string | undefined): HoldPolicy {
  const seconds = expiresAfter === undefined ? APPROVAL_EXPIRES_MS / 1000 : Number(expiresAfter);
  if (!Number.isSafeInteger(seconds) || seconds < 1)
    throw new Error(`APPROVAL_EXPIRES_AFTER: "${expiresAfter}" is not a whole number of seconds above 0`);
  const policy = { expiresAfterMs: seconds * 1000 };
  if (above === undefined) return policy;
  const approveAbove = amountOf(above);
  if (approveAbove === undefined) throw new Error(`APPROVE_ABOVE: "${above}" is not an amount of money`);
  return { ...policy, approveAbove };
}
