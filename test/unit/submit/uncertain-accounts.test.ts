import { describe, expect, it } from 'vitest';
import { REPORT_STALL_MS, SETTLING_MS } from '../../../functions/shared/domain/timing.ts';
import {
  claimCreate,
  noteAnswered,
  noteStalled,
  uncertainAccount,
} from '../../../functions/shared/lifecycle/spending/uncertain-accounts.ts';
import { MINUTE, SmallWorld } from '../small-world.ts';

const ACCOUNT = 'org-a#key-a';

async function stalledWorld(): Promise<SmallWorld> {
  const world = new SmallWorld();
  await noteStalled(world.ports, ACCOUNT, true);
  return world;
}

/** Returns whether the create claimed the account; `waits` if another create has the claim. */
function claim(world: SmallWorld, id: string, account: string | undefined = ACCOUNT) {
  const intent = { id, at: 0, ...(account === undefined ? {} : { account }) };
  return claimCreate(world.ports, intent, world.clock.now() + MINUTE).catch(({ afterSeconds }) => {
    expect(afterSeconds).toBe(120);
    return 'waits';
  });
}

async function listed(world: SmallWorld, account: string | undefined = ACCOUNT) {
  return uncertainAccount(await world.ledger.readControl(), account, world.clock.now());
}

describe('the creates of an account with a stalled part', () => {
  it('are sent one at a time', async () => {
    const world = await stalledWorld();
    expect(await claim(world, 'one')).toBe(true);
    expect(await claim(world, 'other')).toBe('waits');
    expect(await claim(world, 'one')).toBe(true); // its own repetition
  });

  it('no longer wait once one of them got a response', async () => {
    const world = await stalledWorld();
    await claim(world, 'one');
    await noteAnswered(world.ports, ACCOUNT);
    expect(await listed(world)).toEqual({ account: ACCOUNT, until: expect.any(Number), answered: true });
    expect(await claim(world, 'other')).toBe(false);
  });

  it('wait again when another part stalls, but not at a report of the same part', async () => {
    const world = await stalledWorld();
    await noteAnswered(world.ports, ACCOUNT);
    await noteStalled(world.ports, ACCOUNT, false);
    expect(await claim(world, 'one')).toBe(false);
    await noteStalled(world.ports, ACCOUNT, true);
    expect(await claim(world, 'one')).toBe(true);
  });

  it('wait for a create without a response until it could be abandoned', async () => {
    const world = await stalledWorld();
    await claim(world, 'one');
    world.clock.advance(MINUTE + SETTLING_MS - 1);
    expect(await claim(world, 'other')).toBe('waits');
    world.clock.advance(1);
    expect(await claim(world, 'other')).toBe(true);
  });

  it('do not wait for those of another account, but for those of an unknown one', async () => {
    const world = await stalledWorld();
    await claim(world, 'one');
    expect(await claim(world, 'other', 'org-b#key-b')).toBe(false);
    expect(await claimCreate(world.ports, { id: 'other', at: 0 }, 0).catch(() => 'waits')).toBe('waits');
  });
});

describe('an account', () => {
  it('is listed until a stalled part has missed one of its reports', async () => {
    const world = await stalledWorld();
    world.clock.advance(2 * REPORT_STALL_MS);
    expect(await listed(world)).toBeDefined();
    await noteStalled(world.ports, ACCOUNT, false);
    world.clock.advance(2 * REPORT_STALL_MS + 5 * MINUTE - 1);
    expect(await listed(world)).toBeDefined();
    world.clock.advance(1);
    expect(await listed(world)).toBeUndefined();
  });

  it('is listed once, whichever key it has now', async () => {
    const world = await stalledWorld();
    await noteStalled(world.ports, 'org-a#key-new', true);
    expect((await world.ledger.readControl()).uncertain).toHaveLength(1);
    await noteStalled(world.ports, 'org-b#key-b', true);
    expect((await world.ledger.readControl()).uncertain).toHaveLength(2);
  });

  it('is among the 20 that stalled last', async () => {
    const world = await stalledWorld();
    for (let nth = 1; nth <= 20; nth += 1) await noteStalled(world.ports, `org-${nth}`, true);
    expect((await world.ledger.readControl()).uncertain).toHaveLength(20);
    expect(await listed(world)).toBeUndefined();
    expect(await listed(world, 'org-1')).toBeDefined();
  });
});

it('the list is changed although others change the control item, up to 25 times in a row', async () => {
  const world = new SmallWorld();
  const noteAfter = (conflicts: number) => {
    let left = conflicts;
    const replaceControl: typeof world.ledger.replaceControl = async (control) => {
      left -= 1;
      return left < 0 && world.ledger.replaceControl(control);
    };
    return noteStalled({ ...world.ports, ledger: { ...world.ledger, replaceControl } }, ACCOUNT, true);
  };
  await expect(noteAfter(25)).rejects.toThrow('25 conflicts in a row');
  expect(await listed(world)).toBeUndefined();
  await noteAfter(24);
  expect(await listed(world)).toBeDefined();
});
