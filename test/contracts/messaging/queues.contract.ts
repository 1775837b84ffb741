import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WorkMessage, WorkQueues } from '../../../functions/shared/ports/ports.ts';

/** Queues, and the messages that wait in them. */
export interface QueuesUnderTest {
  queues: WorkQueues;
  waiting(to: WorkMessage['to']): Promise<WorkMessage[]>;
  close(): Promise<void>;
}

/** The contract of the queues between the functions. */
export function describeQueuesContract(name: string, make: () => Promise<QueuesUnderTest>): void {
  describe(`${name} as the queues`, () => {
    let made: QueuesUnderTest;
    beforeAll(async () => {
      made = await make();
    });
    afterAll(() => made.close());

    it('sends each message to the right queue, also more than fit into one call', async () => {
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
