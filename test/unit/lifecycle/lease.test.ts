import { describe, expect, it } from 'vitest';
import { changePart, takePart } from '../../../functions/shared/lifecycle/compare-and-set.ts';
import { LostLease, withPartLease } from '../../../functions/shared/lifecycle/lease.ts';
import { aPart } from '../../contracts/samples.ts';
import { MINUTE, SmallWorld } from '../small-world.ts';

const ready = aPart({ phase: 'ready' });

async function partInWorld() {
  const world = new SmallWorld();
  await world.ledger.createPart(ready);
  const inHand = await takePart(world.ports, ready);
  if (!inHand) throw new Error('the part is not in the ledger');
  return { world, inHand, until: world.clock.now() + 10 * MINUTE };
}

describe('a claim', () => {
  it('is stored once, and shows what another invocation changed since the part was read', async () => {
    const { world, inHand, until } = await partInWorld();
    await changePart(world.ports, ready, (part) => ({ ...part, attempt: 2 }));
    await withPartLease(world.ports, inHand, until, async (leased) => {
      expect(leased).toMatchObject({ isHeld: false, item: { attempt: 1 } });
      await leased.claim();
      expect(leased).toMatchObject({ isHeld: true, item: { attempt: 2 } });
      const { version } = leased.item;
      await leased.claim();
      expect(leased.item.version).toBe(version);
    });
    expect(world.ledger.parts()[0]).not.toHaveProperty('lease');
  });

  it('fails if another invocation has taken the lease over', async () => {
    const { world, inHand, until } = await partInWorld();
    const other = { holder: 'other', until: until + MINUTE };
    const work = withPartLease(world.ports, inHand, until, async (leased) => {
      await leased.claim();
      await changePart(world.ports, ready, (part) => ({ ...part, lease: other }));
      await inHand.change(() => undefined); // reads the part again
      expect(leased.isHeld).toBe(false);
      await leased.claim();
    });
    await expect(work).rejects.toThrow(LostLease);
    expect(world.ledger.parts()[0]?.lease).toEqual(other);
  });
});
