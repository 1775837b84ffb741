import { hasEnded } from '../../../functions/shared/contract/batch-status.ts';
import { DETAIL_TYPE } from '../../../functions/shared/contract/events.ts';
import type { EventBus } from '../../../functions/shared/ports/ports.ts';
import { fileOf, HOUR, MINUTE, SmallWorld, withMethods } from '../../unit/small-world.ts';

export const BATCHES = 1_000;
const TOLD_AFTER_MS = 2_000;
const EVERY_TENTH = 10;
/** From five minutes to an hour, spread evenly. */
const runningMs = (nth: number) => (5 + ((nth * 37) % 56)) * MINUTE + ((nth * 7_919) % MINUTE);

/** The result of a day: the longest delay of an end's event in milliseconds, and the numbers of calls. */
export interface Day {
  ended: number;
  latestMs: number;
  /** Lists and retrieves of batches, by caller. */
  callsOfTicks: number;
  callsOfWebhooks: number;
  ticks: number;
  ticksThatCalled: number;
  webhooks: number;
}

/**
 * Simulates a day on the virtual clock with fakes: a batch every 86 seconds, and a tick every minute. One in ten
 * webhooks is lost.
 */
export async function day(settings: { webhooks?: true; observeIntervalMs: number }): Promise<Day> {
  const seen: Day = {
    ...{ ended: 0, latestMs: 0, callsOfTicks: 0, callsOfWebhooks: 0 },
    ...{ ticks: 0, ticksThatCalled: 0, webhooks: 0 },
  };
  const calls = { made: 0 };
  const world = new SmallWorld({
    ...settings,
    fate: ({ nth }) => ({ runningMs: runningMs(nth) }),
    replaced: ({ api, bus, clock }) => ({
      api: withMethods(api, {
        listBatches: (query) => {
          calls.made += 1;
          return api.listBatches(query);
        },
        retrieveBatch: (batchId) => {
          calls.made += 1;
          return api.retrieveBatch(batchId);
        },
      }),
      bus: timed(bus, (endedAt) => {
        seen.ended += 1;
        seen.latestMs = Math.max(seen.latestMs, clock.now() - endedAt);
      }),
    }),
  });
  const steps: { at: number; run: () => Promise<unknown> }[] = [];
  const start = world.clock.now();
  for (let nth = 1; nth <= BATCHES; nth += 1) {
    const at = start + (nth * 24 * HOUR) / BATCHES;
    steps.push({ at, run: () => world.drop(`${nth}.jsonl`, fileOf(`row-${nth}`)) });
    const toldAt = at + runningMs(nth) + MINUTE + TOLD_AFTER_MS; // the batch validates and finalizes for a minute
    if (settings.webhooks && nth % EVERY_TENTH !== 0)
      steps.push({ at: toldAt, run: () => webhook(world, seen, calls, nth) });
  }
  for (let minute = 1; minute <= 26 * 60; minute += 1)
    steps.push({ at: start + minute * MINUTE, run: () => tick(world, seen, calls) });
  for (const { at, run } of steps.toSorted((a, b) => a.at - b.at)) {
    world.clock.advance(Math.max(0, at - world.clock.now()));
    await run();
    await world.work();
  }
  return seen;
}

interface Made {
  made: number;
}

async function webhook(world: SmallWorld, seen: Day, calls: Made, nth: number): Promise<void> {
  const batchId = world.api.audit().creates[nth - 1]?.batchId ?? 'none';
  const before = calls.made;
  const { status, said } = await world.webhook(batchId);
  if (status !== 200) throw new Error(`the webhook about ${batchId} was not taken: ${said}`);
  seen.callsOfWebhooks += calls.made - before;
  seen.webhooks += 1;
}

async function tick(world: SmallWorld, seen: Day, calls: Made): Promise<void> {
  const before = calls.made;
  await world.poll();
  seen.ticks += 1;
  seen.callsOfTicks += calls.made - before;
  if (calls.made > before) seen.ticksThatCalled += 1;
}

/** Returns a bus that reports for each end event when the batch ended. */
function timed(bus: EventBus, onEnd: (endedAt: number) => void): EventBus {
  return {
    publish: async (events) => {
      for (const event of events) {
        if (event.detailType !== DETAIL_TYPE.batchStatusChange) continue;
        const { status, endedAt } = event.detail.data;
        if (hasEnded(status) && endedAt !== null) onEnd(Date.parse(endedAt));
      }
      return await bus.publish(events);
    },
  };
}
