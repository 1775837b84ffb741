import type { OutgoingEvent } from '../../functions/shared/domain/outgoing-event.ts';
import type { EventBus } from '../../functions/shared/ports/ports.ts';
import { frozenCopy } from './frozen-copy.ts';

/** A bus whose events tests can read. */
export interface RecordingBus extends EventBus {
  /** Returns the accepted events in order, including repetitions. */
  published(): OutgoingEvent[];
}

/** Accepts every event except those that `refuses` selects; the real bus also refuses single events. */
export function createRecordingBus(
  options: { refuses?: (event: OutgoingEvent) => boolean } = {},
): RecordingBus {
  const accepted: OutgoingEvent[] = [];
  return {
    async publish(events) {
      const refused: string[] = [];
      for (const event of events) {
        if (options.refuses?.(event)) refused.push(event.detail.metadata.id);
        else accepted.push(frozenCopy(event));
      }
      return { refused };
    },
    published: () => [...accepted],
  };
}
