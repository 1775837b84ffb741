import { describe, expect, it } from 'vitest';
import type { Part } from '../../../functions/shared/domain/part.ts';
import type { Breaker } from '../../../functions/shared/domain/waiting/breaker.ts';
import { changeBreakers } from '../../../functions/shared/lifecycle/change-breakers.ts';
import {
  changeJob,
  changePart,
  ItemGone,
  jobInHand,
  NOT_STORED,
  partInHand,
} from '../../../functions/shared/lifecycle/compare-and-set.ts';
import { aBatch, aJob, aPart, NOON } from '../../contracts/samples.ts';
import { SmallWorld } from '../small-world.ts';

const ready = aPart({ phase: 'ready' });

/** A ledger with a part, how often it is read and written, and how often a write of another invocation comes first. */
async function counted(conflicts = 0, part: Part = ready) {
  const world = new SmallWorld();
  const calls = { reads: 0, writes: 0, conflicts };
  await world.ledger.createPart(part);
  const ledger = {
    ...world.ledger,
    readPart(ref: Part) {
      calls.reads += 1;
      return world.ledger.readPart(ref);
    },
    async replacePart(next: Part) {
      calls.writes += 1;
      const known = await world.ledger.readPart(next);
      calls.conflicts -= 1;
      if (known && calls.conflicts >= 0)
        await world.ledger.replacePart({ ...known, attempt: known.attempt + 1 });
      return world.ledger.replacePart(next);
    },
  };
  return { deps: { ...world.ports, ledger: ledger as typeof world.ledger }, calls, world };
}

const tried = (part: Part): Part => ({ ...part, tries: part.tries + 1 });

describe('the change of an item in hand', () => {
  it('is one write, without a read, and so is the next one', async () => {
    const { deps, calls, world } = await counted();
    const inHand = partInHand(deps, ready);
    expect(await inHand.change(tried)).toBe(true);
    expect(await inHand.change(tried)).toBe(true);
    expect(calls).toMatchObject({ reads: 0, writes: 2 });
    expect(inHand.item).toMatchObject({ tries: 2, version: 3 });
    expect(world.ledger.parts()).toEqual([inHand.item]);
  });

  it('is decided again after a conflict, with the newer item', async () => {
    const { deps, calls, world } = await counted(2);
    expect(await partInHand(deps, ready).change(tried)).toBe(true);
    expect(calls).toMatchObject({ reads: 2, writes: 3 });
    expect(world.ledger.parts()[0]).toMatchObject({ tries: 1, attempt: 3 });
  });

  it('fails after 25 conflicts in a row', async () => {
    const { deps, calls } = await counted(25);
    await expect(partInHand(deps, ready).change(tried)).rejects.toThrow(
      `change part ${ready.jobId}/1: 25 conflicts in a row`,
    );
    expect(calls.writes).toBe(25);
    expect(await partInHand((await counted(24)).deps, ready).change(tried)).toBe(true);
  });

  it('is none only if the newest item needs none', async () => {
    const { deps, calls, world } = await counted();
    expect(await partInHand(deps, ready).change(() => undefined)).toBe(false);
    expect(calls).toMatchObject({ reads: 1, writes: 0 });
    await world.ledger.replacePart({ ...ready, tries: 5 });
    const later = (part: Part) => (part.tries === 5 ? tried(part) : undefined);
    expect(await partInHand(deps, ready).change(later)).toBe(true);
    expect(world.ledger.parts()[0]?.tries).toBe(6);
  });

  it('fails if the item is gone', async () => {
    const { deps } = await counted();
    const gone = partInHand(deps, aPart({ phase: 'ready', number: 2 }));
    await expect(gone.change(tried)).rejects.toThrow(ItemGone);
  });

  it('of an item that was just read costs one read', async () => {
    const { deps, calls } = await counted();
    expect(await changePart(deps, ready, () => undefined)).toEqual({ part: ready, changed: false });
    expect(calls).toMatchObject({ reads: 1, writes: 0 });
    expect(await changePart(deps, ready, tried)).toMatchObject({ part: { tries: 1 }, changed: true });
    expect(calls).toMatchObject({ reads: 2, writes: 1 });
    expect(await changePart(deps, { ...ready, number: 2 }, tried)).toBeUndefined();
  });
});

describe('a note', () => {
  it('is stored with the next change, and not alone', async () => {
    const { deps, calls, world } = await counted();
    const inHand = partInHand(deps, ready);
    const stored: string[] = [];
    inHand.note(tried, () => stored.push('first'));
    inHand.note(
      () => undefined,
      () => stored.push('second'),
    );
    expect(inHand.item.tries).toBe(1);
    expect([calls.writes, stored]).toEqual([0, []]);
    await inHand.change((part) => ({ ...part, attempt: 7 }));
    expect(world.ledger.parts()[0]).toMatchObject({ tries: 1, attempt: 7 });
    expect(stored).toEqual(['first']); // the second one does not apply
    await inHand.change(tried);
    expect(world.ledger.parts()[0]?.tries).toBe(2);
    expect(stored).toEqual(['first']);
  });

  it('is stored at the end if no change comes, once', async () => {
    const { deps, calls } = await counted();
    const inHand = partInHand(deps, ready);
    await inHand.flush();
    expect(calls.writes).toBe(0);
    inHand.note(tried, () => undefined);
    await inHand.flush();
    await inHand.flush();
    expect(calls.writes).toBe(1);
  });

  it('is decided again with the newer item after a conflict', async () => {
    const { deps, world } = await counted(1);
    const inHand = partInHand(deps, ready);
    inHand.note(
      (part) => ({ ...part, tries: part.attempt }),
      () => undefined,
    );
    await inHand.flush();
    expect(world.ledger.parts()[0]).toMatchObject({ tries: 2, attempt: 2 });
  });
});

describe('each write', () => {
  it('creates a job that is not stored yet, unless another invocation has', async () => {
    const world = new SmallWorld();
    const begun = { ...aJob(), version: NOT_STORED };
    expect(await jobInHand(world.ports, begun).change((job) => job)).toBe(true);
    expect(await jobInHand(world.ports, begun).change((job) => ({ ...job, tries: 1 }))).toBe(true);
    expect(world.job(begun.jobId)).toMatchObject({ tries: 1, version: 2 });
    expect(await changeJob(world.ports, 'j', () => undefined)).toBeUndefined();
  });

  it('sets when the item is due, and removes the expiry of what is not over', async () => {
    const world = new SmallWorld();
    const expiresAt = NOON;
    const running = aPart({ batch: aBatch(), rev: 1, publishedRev: 1, expiresAt });
    await world.ledger.createPart(running);
    await changePart(world.ports, running, tried);
    const [part] = world.ledger.parts();
    expect(part?.dueAt).toEqual(expect.any(Number));
    expect(part).not.toHaveProperty('expiresAt');
    await world.ledger.createJob(aJob({ status: 'submitted', expiresAt }));
    await changeJob(world.ports, aJob().jobId, (job) => ({ ...job, tries: 1 }));
    expect(world.job(aJob().jobId)).not.toHaveProperty('expiresAt');
  });
});

describe('the breakers', () => {
  const breaker: Breaker = {
    account: 'org',
    for: 'account',
    operation: 'create',
    items: ['a'],
    since: NOON,
    said: 's',
  };

  it('are written only if they change', async () => {
    const world = new SmallWorld();
    let writes = 0;
    const replaceControl: typeof world.ledger.replaceControl = (control) => {
      writes += 1;
      return world.ledger.replaceControl(control);
    };
    const deps = { ledger: { ...world.ledger, replaceControl } };
    expect(await changeBreakers(deps, (breakers) => breakers)).toEqual([]);
    expect(await changeBreakers(deps, () => [breaker])).toEqual([breaker]);
    expect(await changeBreakers(deps, () => [{ ...breaker }])).toEqual([breaker]);
    expect(writes).toBe(1);
    expect((await world.ledger.readControl()).breakers).toEqual([breaker]);
    await changeBreakers(deps, () => []);
    expect(await world.ledger.readControl()).not.toHaveProperty('breakers');
  });

  it('are changed after up to nine conflicts in a row', async () => {
    const world = new SmallWorld();
    const changedAfter = (conflicts: number) => {
      let left = conflicts;
      const replaceControl: typeof world.ledger.replaceControl = async (control) => {
        left -= 1;
        return left < 0 && world.ledger.replaceControl(control);
      };
      return changeBreakers({ ledger: { ...world.ledger, replaceControl } }, () => [breaker]);
    };
    await expect(changedAfter(10)).rejects.toThrow('10 conflicts in a row');
    expect(await changedAfter(9)).toEqual([breaker]);
  });
});
