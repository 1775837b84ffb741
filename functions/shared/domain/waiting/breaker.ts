/**
 * Breakers: if the API refuses all calls of an account, for example because the account cannot pay, further calls are
 * useless until somebody acts (rule 3 of "What an answer is worth", docs/architecture.md). There is one breaker per
 * account, reason and refused operation. It opens after three different items were refused. While it is open, items
 * wait without a call. Only one probe at a time, at growing intervals and each by another item, makes a call. A success
 * closes the breaker.
 *
 * `account` stops uploads and creates; `storage` stops uploads. Batches are always observed, cancelled and delivered.
 */

import { isSameAccount } from '../openai-account.ts';
import type { WaitingPart } from './admission-queue.ts';
import type { Operation } from './obstacle.ts';

export interface Breaker {
  /** The account at the API; empty when it is not known. */
  account: string;
  for: 'account' | 'storage';
  /** The call that was refused. */
  operation: Operation;
  /** The names of the items that were refused, at most `OPENS_AT`. */
  items: string[];
  /** When the first of these items was refused, in milliseconds. */
  since: number;
  /** The vendor's message in the last refusal. */
  said: string;
  /** Present while the breaker is open. */
  open?: { since: number; probes: number; nextProbeAt: number; last?: { item: string; model: string } };
}

/** A breaker opens after this many different items were refused. */
const OPENS_AT = 3;
const MAX_BREAKERS = 20; // two kinds, two operations, and a few accounts; the oldest are dropped

const MINUTE = 60_000;
const PROBE_AFTER_MS = [1, 2, 5, 10, 15, 20, 30].map((minutes) => minutes * MINUTE);

/** A refusal of an item, in milliseconds since the epoch. */
export interface BreakerRefusal extends Pick<Breaker, 'account' | 'for' | 'operation' | 'said'> {
  item: string;
  at: number;
}

/** Returns the breakers after a refusal. A create that was refused for full storage stops no other item. */
export function afterRefusal(breakers: readonly Breaker[], refusal: BreakerRefusal): Breaker[] {
  const { account, for: reason, operation, said, item, at } = refusal;
  if (reason === 'storage' && operation !== 'upload') return [...breakers];
  const isMet = (one: Breaker) =>
    one.for === reason && one.operation === operation && isSame(one.account, account);
  const { items = [], since = at, open } = breakers.find(isMet) ?? {};
  const all = items.includes(item) ? items : [...items, item].slice(0, OPENS_AT);
  const opened =
    all.length < OPENS_AT ? undefined : (open ?? { since: at, probes: 0, nextProbeAt: at + MINUTE });
  const changed = {
    account,
    for: reason,
    operation,
    items: all,
    since,
    said,
    ...(opened ? { open: opened } : {}),
  };
  return [...breakers.filter((one) => !isMet(one)), changed].slice(-MAX_BREAKERS);
}

/**
 * Returns the breakers that remain after a call succeeded. The account does not matter: the current key belongs to one
 * account only, and if the key changes back, the breaker opens again.
 */
export function afterSuccess(breakers: readonly Breaker[], operation: Operation): Breaker[] {
  return breakers.filter((one) =>
    operation === 'upload' ? one.operation !== 'upload' : one.for === 'storage',
  );
}

/** Returns the breakers that remain when the current key belongs to the account. */
export function ofAccount(breakers: readonly Breaker[], account: string): Breaker[] {
  return breakers.filter((one) => one.account === '' || isSameAccount(one.account, account));
}

/** Returns the open breaker that stops the operation, if there is one. */
export function breakerAgainst(breakers: readonly Breaker[], operation: Operation): Breaker | undefined {
  return breakers.find((one) => one.open !== undefined && stops(one, operation));
}

function stops({ for: reason }: Breaker, operation: Operation): boolean {
  return reason === 'account' || operation === 'upload';
}

/** Returns whether a part that waits for a breaker's reason may begin without a probe. */
export function mayBeginAgain(breakers: readonly Breaker[], part: WaitingPart, now: number): boolean {
  const { for: reason, until = now } = part.waiting;
  const ofReason = breakers.filter((one) => one.for === reason);
  if (ofReason.some(({ open }) => open)) return false;
  return ofReason.length === 0 || until <= now; // a success closed the breaker, or the part's own backoff is over
}

/**
 * Returns the part that makes the next probe: another one than last time, and of another model if possible. Undefined
 * if no probe is due or no part waits.
 */
export function probeOf(
  { for: reason, open }: Breaker,
  queue: readonly WaitingPart[],
  nameOf: (part: WaitingPart) => string,
  now: number,
): WaitingPart | undefined {
  if (!open || open.nextProbeAt > now) return undefined;
  const waiting = queue.filter((part) => part.waiting.for === reason);
  const { item, model } = open.last ?? {};
  const others = waiting.filter((part) => nameOf(part) !== item);
  // The one that was refused longest ago comes first, so that each has its turn.
  const byWait = (a: WaitingPart, b: WaitingPart) => a.waiting.since - b.waiting.since;
  return (
    others.filter((part) => part.model !== model).sort(byWait)[0] ?? others.sort(byWait)[0] ?? waiting[0]
  );
}

/** Returns the breaker after it let a probe pass. */
export function afterProbe(breaker: Breaker, last: { item: string; model: string }, now: number): Breaker {
  const { open } = breaker;
  if (!open) return breaker;
  const probes = open.probes + 1;
  const pause = PROBE_AFTER_MS[Math.min(probes, PROBE_AFTER_MS.length - 1)] ?? MINUTE;
  return { ...breaker, open: { ...open, probes, nextProbeAt: now + pause, last } };
}

function isSame(one: string, other: string): boolean {
  return one === other || isSameAccount(one, other);
}
