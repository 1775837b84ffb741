import { RetryableError } from '../shared/domain/errors.ts';
import type { CreateWindow } from '../shared/domain/ledger-records.ts';
import type { Ports } from '../shared/ports/ports.ts';

/** OpenAI takes 2,000 batches an hour; the rest is left to whoever else creates some. */
export const MAX_CREATES = 1_900;

const MINUTE_MS = 60_000;
const WINDOW_MINUTES = 62; // an hour, the minute that has begun, and one for clocks that differ
const MAX_CONFLICTS = 25; // five functions create at once
const AFTER_CONFLICTS_SECONDS = 5;

/**
 * Takes a place for one create among those of the hour. A place that is taken and not used is lost, never used twice.
 * Errors: RetryableError, which says when there will be one.
 */
export async function reserveCreate({ ledger, clock }: Pick<Ports, 'ledger' | 'clock'>): Promise<void> {
  for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts += 1) {
    const window = await ledger.readCreateWindow();
    const now = clock.now();
    const next = withReservedCreate(window, now);
    if ('freeAt' in next) {
      const afterSeconds = Math.ceil((next.freeAt - now) / 1000);
      throw new RetryableError(`create: ${MAX_CREATES} batches were created within the hour`, {
        afterSeconds,
      });
    }
    if (await ledger.replaceCreateWindow(next)) return;
  }
  throw new RetryableError('create: no place among the creates of the hour, for conflicts', {
    afterSeconds: AFTER_CONFLICTS_SECONDS,
  });
}

/** The window with one more create, or when there will be room for one. */
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
