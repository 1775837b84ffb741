import { isBatchdropEvent, type ReceivedEvent } from './event-line.ts';

const REMEMBERED = 10_000; // ids of some 60 bytes; a repeated event follows soon after the first

/**
 * Returns a function that says whether an event is delivered for the first time. EventBridge delivers events at least
 * once, and readers who count lines need each event once. Events of other sources always count as first.
 */
export function firstDeliveries(): (event: ReceivedEvent) => boolean {
  const seen = new Set<string>();
  return (event) => {
    if (!isBatchdropEvent(event)) return true;
    const { id } = event.detail.metadata;
    if (seen.has(id)) return false;
    seen.add(id);
    const [oldest] = seen;
    if (seen.size > REMEMBERED && oldest !== undefined) seen.delete(oldest);
    return true;
  };
}
