import { RetryableError } from '../shared/domain/errors.ts';
import type { CreateWindow } from '../shared/domain/ledger-records.ts';
import type { Ports } from '../shared/ports/ports.ts';

/** The maximum creates per hour. OpenAI allows 2,000; the rest is for other programs of the account. */
export const MAX_CREATES = 1_900;

const MINUTE_MS = 60_000;
const WINDOW_MINUTES = 62; // an hour, the current minute, and one for clock differences
const MAX_CONFLICTS = 25; // at most five invocations create at the same time
const AFTER_CONFLICTS_SECONDS = 5;

/**
 * Reserves one create within the limit per hour. An unused reservation is lost. Errors: RetryableError, with the time
 * until a create is possible.
 */
export async function reserveCreate({ ledger, clock }: Pick<Ports, 'ledger' | 'clock'>): Promise<void> {
  for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts += 1) {
    const window = await ledger.readCreateWindow();
    const now = clock.now();
    const next = withReservedCreate(window, now);
    if ('freeAt' in next) {
      const afterSeconds = Math.ceil((next.freeAt - now) / 1000);
      throw new RetryableError(
        `create: ${MAX_CREATES} batches were created within an hour, which is the limit; the part waits`,
        {
          afterSeconds,
        },
      );
    }
    if (await ledger.replaceCreateWindow(next)) return;
  }
  throw new RetryableError(`create: ${MAX_CONFLICTS} conflicts in a row while reserving a create`, {
    afterSeconds: AFTER_CONFLICTS_SECONDS,
  });
}

/** Returns the window with one more create. At the limit, returns when the next create is possible, in milliseconds. */
export function withReservedCreate(window: CreateWindow, now: number): CreateWindow | { freeAt: number } {
  const minute = Math.floor(now / MINUTE_MS);
  const minutes = window.minutes.filter((known) => known.minute > minute - WINDOW_MINUTES);
  const creates = minutes.reduce((sum, known) => sum + known.creates, 0);
  if (creates >= MAX_CREATES) {
    const oldest = Math.min(...minutes.map((known) => known.minute));
    return { freeAt: (oldest + WINDOW_MINUTES) * MINUTE_MS };
  }
  const present = minutes.find((known) => known.minute === minute)?.creates ?? 0;
  const others = minutes.filter((known) => known.minute !== minute);
  return { ...window, minutes: [...others, { minute, creates: present + 1 }] };
}
