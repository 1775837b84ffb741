import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WorkMessage, WorkQueues } from '../../../functions/shared/ports/ports.ts';

/** Queues, and what waits in them. */
export interface QueuesUnderTest {
  queues: WorkQueues;
  waiting(to: WorkMessage['to']): Promise<WorkMessage[]>;
  close(): Promise<void>;
}

/** What the queues between the functions do. */
export function describeQueuesContract(name: string, make: () => Promise<QueuesUnderTest>): void {
  describe(`${name} as the queues`, () => {
    let made: QueuesUnderTest;
    beforeAll(async () => {
      made = await make();
    });
    afterAll(() => made.close());

    it('brings each message to the queue it is for, more than fit one call, too', async () => {
      const submits = Array.from({ length: 23 }, (_, n) => ({
        to: 'submit' as const,
        ref: { jobId: 'j', planId: 'p', number: n + 1 },
      }));
      const intake = { to: 'intake' as const, jobId: 'j' };
      await made.queues.send([intake, ...submits]);
      await made.queues.send([]);
      expect(await made.waiting('intake')).toEqual([intake]);
      const waiting = await made.waiting('submit');
      expect(waiting).toHaveLength(23);
      expect(waiting).toEqual(expect.arrayContaining(submits));
    });
  });
}
