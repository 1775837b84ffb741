import { describe, expect, it } from 'vitest';
import {
  callbackIdOf,
  settledCallback,
  waitingCallback,
} from '../../../functions/shared/domain/workflows/callback.ts';
import type { Callbacks } from '../../../functions/shared/ports/ports.ts';
import type { ManualClock } from '../../fakes/manual-clock.ts';

const FILE = { bucket: 'requests', key: 'a.jsonl' };
const JOB = 'j'.repeat(26);
const DAY_MS = 86_400_000;

/** The contract of every store of callbacks. */
export function describeCallbacksContract(
  name: string,
  make: () => Promise<{ callbacks: Callbacks; clock: ManualClock }>,
): void {
  describe(`${name} as the store of callbacks`, () => {
    const aCallback = (token: string, now: number) =>
      waitingCallback({ taskToken: token, timeoutSeconds: 60 }, FILE, now);

    it('returns a record as it was saved last, and undefined for an unknown one', async () => {
      const { callbacks, clock } = await make();
      const callback = aCallback('t'.repeat(2_048), clock.now());
      await callbacks.save(callback);
      await callbacks.save(callback);
      expect(await callbacks.read(callback.callbackId)).toEqual(callback);
      const settled = settledCallback(callback, clock.now());
      await callbacks.save(settled);
      expect(await callbacks.read(callback.callbackId)).toEqual(settled);
      expect(await callbacks.read(callbackIdOf('another'))).toBeUndefined();
    });

    it('forgets a record when it expires', async () => {
      const { callbacks, clock } = await make();
      const callback = aCallback('short', clock.now());
      await callbacks.save(callback);
      clock.advance(60_000 + DAY_MS - 1);
      expect(await callbacks.read(callback.callbackId)).toEqual(callback);
      clock.advance(1);
      expect(await callbacks.read(callback.callbackId)).toBeUndefined();
    });

    it('lists the followers of a job, each once and without those of others', async () => {
      const { callbacks, clock } = await make();
      const many = Array.from({ length: 30 }, (_, nth) => aCallback(`task ${nth}`, clock.now()));
      for (const callback of [...many, ...many.slice(0, 3)]) await callbacks.follow(JOB, callback);
      await callbacks.follow('k'.repeat(26), aCallback('of another job', clock.now()));
      expect((await callbacks.followersOf(JOB)).sort()).toEqual(
        many.map(({ callbackId }) => callbackId).sort(),
      );
      expect(await callbacks.followersOf('l'.repeat(26))).toEqual([]);
    });
  });
}
