import { expect, it } from 'vitest';
import { REPORT_STALL_MS } from '../../../functions/shared/domain/timing.ts';
import { partInHand } from '../../../functions/shared/lifecycle/compare-and-set.ts';
import { reportStall } from '../../../functions/shared/lifecycle/spending/report-stall.ts';
import { aPart, NOON, type PartFields } from '../../contracts/samples.ts';
import { SmallWorld } from '../small-world.ts';

const ABANDONED = [1, 2].map((nth) => ({
  ...{ intentId: `i${nth}`, at: NOON, fileId: `file-${nth}`, account: `org-${nth}`, givenUpAt: NOON + nth },
}));

/** Reports the part so many times, an interval apart. */
async function reported(fields: PartFields, times = 1) {
  const world = new SmallWorld();
  const part = aPart(fields);
  await world.ledger.createPart(part);
  const inHand = partInHand(world.ports, part);
  const answers: boolean[] = [];
  for (let time = 0; time < times; time += 1) {
    answers.push(await reportStall(world.ports, inHand));
    world.clock.advance(REPORT_STALL_MS);
  }
  return { world, answers, events: world.bus.published().map(({ detail }) => detail) };
}

const stalled = (code: string) => ({ phase: 'stalled', stalled: { code, message: 'm' } }) as const;

it('a stalled part is reported every half hour, and its event is published once', async () => {
  const fields = { ...stalled('create_uncertain'), abandoned: ABANDONED, releases: 1 };
  const { world, answers, events } = await reported(fields, 3);
  expect(answers).toEqual([true, true, true]);
  expect(world.metrics.of('CreateUncertain')).toEqual([1, 1, 1]);
  expect(events).toMatchObject([
    {
      metadata: { sequence: 2, occurredAt: new Date(NOON + 2).toISOString() }, // when the last create was abandoned
      data: { cause: 'create_uncertain', unresolvedCreates: 2 },
    },
  ]);
  expect(world.ledger.parts()[0]).toMatchObject({ stallPublished: true, backoffUntil: world.clock.now() });
  expect((await world.ledger.readControl()).uncertain).toMatchObject([{ account: 'org-2' }]);
});

it('a part that is stalled for another reason makes no account uncertain', async () => {
  const { world, events } = await reported({ ...stalled('row_above_budget'), changedAt: NOON + 7 });
  expect(world.metrics.of('Stalled')).toEqual([1]);
  expect(world.metrics.of('CreateUncertain')).toEqual([]);
  expect(events).toMatchObject([{ metadata: { sequence: 1, occurredAt: new Date(NOON + 7).toISOString() } }]);
  expect((await world.ledger.readControl()).uncertain ?? []).toEqual([]);
});

it('a part that is no longer stalled is not reported', async () => {
  const { world, answers, events } = await reported({ phase: 'ready' });
  expect(answers).toEqual([false]);
  expect(events).toEqual([]);
  expect([...world.metrics.names(), ...world.log.lines]).toEqual([]);
});
