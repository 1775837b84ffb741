import { SEARCH_MARGIN_MS } from '../timing.ts';
import type { Intent } from './intents.ts';

/** A clock that is further ahead of ours than this is ignored. */
const MAX_AHEAD_MS = 24 * 3_600_000;

/** The times of an intent before which its batch cannot exist. In milliseconds. */
export type Began = Pick<Intent, 'at' | 'uploadedAt' | 'answeredAt'>;

/**
 * Returns how far back a search for the batches of these intents must go, in milliseconds: 15 minutes before the
 * earliest of the file's creation, the API's time and our time. The API's clock may be behind ours. If its time is not
 * known, the search must read the whole list: undefined.
 */
export function searchHorizon(intents: readonly Began[]): number | undefined {
  const horizons = intents.map(({ at, uploadedAt, answeredAt }) => {
    const times = [at, uploadedAt, answeredAt];
    return times.every((time) => isUsable(time, at)) ? Math.min(...times.map(Number)) : Number.NaN;
  });
  const earliest = Math.min(...horizons);
  return Number.isFinite(earliest) ? earliest - SEARCH_MARGIN_MS : undefined;
}

function isUsable(time: number | undefined, ours: number): boolean {
  return time !== undefined && Number.isFinite(time) && time > 0 && time <= ours + MAX_AHEAD_MS;
}
