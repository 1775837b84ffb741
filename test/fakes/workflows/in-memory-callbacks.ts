import type { Callback } from '../../../functions/shared/domain/workflows/callback.ts';
import type { Callbacks, Clock } from '../../../functions/shared/ports/ports.ts';
import { frozenCopy } from '../frozen-copy.ts';

/** The callbacks of tasks, in memory. */
export interface InMemoryCallbacks extends Callbacks {
  /** Returns every record that has not expired. */
  all(): Callback[];
}

export function createInMemoryCallbacks(options: { clock: Clock }): InMemoryCallbacks {
  const known = new Map<string, Callback>();
  const followers = new Map<string, Set<string>>();
  const isKept = ({ expiresAt }: Callback) => expiresAt > options.clock.now();
  return {
    async read(callbackId) {
      const callback = known.get(callbackId);
      return callback && isKept(callback) ? callback : undefined;
    },
    async save(callback) {
      known.set(callback.callbackId, frozenCopy(callback));
    },
    async follow(jobId, { callbackId }) {
      followers.set(jobId, new Set(followers.get(jobId)).add(callbackId));
    },
    followersOf: async (jobId) => [...(followers.get(jobId) ?? [])].sort(),
    all: () => [...known.values()].filter(isKept),
  };
}
