import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OutgoingEvent } from '../../../functions/shared/domain/outgoing-event.ts';
import type { EventBus } from '../../../functions/shared/ports/ports.ts';
import { anEvent } from '../samples.ts';

/** A bus, and the events that it delivered. */
export interface BusUnderTest {
  bus: EventBus;
  arrived(): Promise<OutgoingEvent[]>;
  close(): Promise<void>;
}

/** The contract of every bus. */
export function describeBusContract(name: string, make: () => Promise<BusUnderTest>): void {
  describe(`${name} as the bus`, () => {
    let made: BusUnderTest;
    beforeAll(async () => {
      made = await make();
    });
    afterAll(() => made.close());

    it('delivers every event as it was published, also more than fit into one call', async () => {
      const events = Array.from({ length: 23 }, (_, n) => anEvent(`event-${n}`, `ü🙂${'x'.repeat(50_000)}`));
      expect(await made.bus.publish(events)).toEqual({ refused: [] });
      expect(await made.bus.publish([])).toEqual({ refused: [] });
      const arrived = new Map((await made.arrived()).map((event) => [event.detail.metadata.id, event]));
      for (const event of events) expect(arrived.get(event.detail.metadata.id)).toEqual(event);
      expect(arrived.size).toBe(23);
    });
  });
}
