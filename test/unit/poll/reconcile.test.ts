import { describe, expect, it } from 'vitest';
import { reconcile } from '../../../functions/poll/reconcile.ts';
import { RetryableError } from '../../../functions/shared/domain/errors.ts';
import { DUE_SHARDS } from '../../../functions/shared/domain/ledger-records.ts';
import type { Ledger } from '../../../functions/shared/ports/ports.ts';
import { withFaults } from '../../fakes/faulty.ts';
import { fileOf, HOUR, MINUTE, SmallWorld, withMethods } from '../small-world.ts';

const KEYS = Array.from({ length: 40 }, (_, n) => `${n}.jsonl`);

function fails(): never {
  throw new Error('the log is full');
}

async function manyRunning(settings: ConstructorParameters<typeof SmallWorld>[0] = {}) {
  const world = new SmallWorld({ fate: () => ({ runningMs: HOUR }), ...settings });
  for (const key of KEYS) await world.drop(key, fileOf('r1'));
  await world.work();
  world.clock.advance(MINUTE);
  return world;
}

describe('a tick', () => {
  it('observes every batch and publishes every status change', async () => {
    const world = await manyRunning();
    await world.poll();
    expect(world.batchStatuses().filter((status) => status === 'in_progress')).toHaveLength(KEYS.length);
  });

  it('handles all other items when one of them fails, and then throws', async () => {
    let victim = '';
    const world = await manyRunning({
      replaced: ({ api }) => ({
        api: withMethods(api, {
          listBatches: async (query) => {
            const page = await api.listBatches(query);
            return { ...page, batches: page.batches.filter(({ batchId }) => batchId !== victim) };
          },
          retrieveBatch: async () => {
            throw new TypeError('defect');
          },
        }),
      }),
    });
    victim = world.ledger.parts()[7]?.batch?.batchId ?? 'none';
    await expect(world.poll()).rejects.toThrow('1 of ');
    expect(world.batchStatuses().filter((status) => status === 'in_progress')).toHaveLength(KEYS.length - 1);
    expect(world.ledger.parts()[7]).toMatchObject({ tries: 1, batch: { status: 'validating' } });
  });

  it('handles all other items when one of them cannot be read, and then throws', async () => {
    let victim = '';
    const world = await manyRunning({
      replaced: ({ ledger }) => ({
        ledger: withFaults(ledger, (method, [ref]) =>
          method === 'readPart' && Object(ref).jobId === victim
            ? { failBefore: new RetryableError('throttled') }
            : 'ok',
        ),
      }),
    });
    victim = world.ledger.parts()[7]?.jobId ?? 'none';
    await expect(world.poll()).rejects.toThrow('could not be served');
    expect(world.batchStatuses().filter((status) => status === 'in_progress')).toHaveLength(KEYS.length - 1);
  });

  it('handles all other shards when one cannot be read, then throws and releases its lease', async () => {
    let broken = false;
    const asked = new Set<unknown>();
    const world = await manyRunning({
      replaced: ({ ledger }) => ({
        ledger: withFaults(ledger, (method, [shard]) => {
          if (method !== 'due') return 'ok';
          asked.add(shard);
          return broken && shard === 3 ? { failBefore: new RetryableError('throttled') } : 'ok';
        }),
      }),
    });
    broken = true;
    asked.clear();
    await expect(world.poll()).rejects.toThrow('could not be served');
    expect(asked.size).toBe(DUE_SHARDS);
    const before = world.batchStatuses().filter((status) => status === 'in_progress').length;
    expect(before).toBeGreaterThan(KEYS.length / 2);
    broken = false;
    await world.poll();
    expect(world.batchStatuses().filter((status) => status === 'in_progress')).toHaveLength(KEYS.length);
  });

  it('does nothing while another tick has the lease, and runs when the lease has expired', async () => {
    const world = await manyRunning();
    const pollLease = { holder: 'another', until: world.clock.now() + MINUTE };
    await world.ledger.replaceControl({ version: 0, paused: false, pollLease });
    await world.poll();
    expect(world.batchStatuses()).not.toContain('in_progress');
    expect(world.log.lines.at(-1)?.code).toBe('tick_already_running');
    world.clock.advance(MINUTE);
    await world.poll();
    expect(world.batchStatuses()).toContain('in_progress');
    expect((await world.ledger.readControl()).pollLease).toBeUndefined();
  });

  it('records when it finished, and a later failing tick keeps that time', async () => {
    const world = await manyRunning();
    await world.poll();
    const finished = world.clock.now();
    expect((await world.ledger.readControl()).tickedAt).toBe(finished);
    world.clock.advance(MINUTE);
    const dead = { ...world.ports, log: { ...world.log, warn: fails, error: fails } };
    const ledger = withFaults(world.ledger, (method) =>
      method === 'due' ? { failBefore: new RetryableError('down') } : 'ok',
    );
    await expect(reconcile({ ...dead, ledger }, world.deadline(55_000))).rejects.toThrow('the log is full');
    expect(await world.ledger.readControl()).toMatchObject({ tickedAt: finished });
    expect((await world.ledger.readControl()).pollLease).toBeUndefined();
  });

  it('releases its lease when an operator pauses at the same moment, and the pause remains', async () => {
    const world = await manyRunning();
    let isPaused = false;
    const ledger: Ledger = {
      ...withFaults(world.ledger, () => 'ok'),
      async replaceControl(control) {
        if (control.pollLease === undefined && !isPaused) {
          isPaused = true;
          await world.ledger.replaceControl({ ...(await world.ledger.readControl()), paused: true });
        }
        return world.ledger.replaceControl(control);
      },
    };
    await reconcile({ ...world.ports, ledger }, world.deadline(55_000));
    const control = await world.ledger.readControl();
    expect(control).toMatchObject({ paused: true, tickedAt: world.clock.now() });
    expect(control.pollLease).toBeUndefined();
  });

  it('stops before its deadline and reports that, and the next ticks handle the rest', async () => {
    const world = await manyRunning();
    const slow = {
      ...world.ports,
      api: withMethods(world.api, {
        listBatches: async () => {
          throw new RetryableError('there is no list');
        },
        retrieveBatch: async (batchId) => {
          world.clock.advance(5_000);
          return world.api.retrieveBatch(batchId);
        },
      }),
    };
    const tick = await reconcile(slow, world.deadline(55_000));
    expect(tick).toMatchObject({ broken: 0, outOfTime: true, open: KEYS.length });
    expect(tick?.served).toBeLessThan(30);
    expect(tick?.served).toBeGreaterThan(9);
    for (let minute = 0; minute < 10; minute += 1) {
      world.clock.advance(5_000);
      await reconcile(slow, world.deadline(55_000));
    }
    expect(world.batchStatuses().filter((status) => status === 'in_progress')).toHaveLength(KEYS.length);
  });

  it('begins with a different shard each minute', async () => {
    const world = await manyRunning();
    const firsts = new Set<unknown>();
    for (let minute = 0; minute < DUE_SHARDS; minute += 1) {
      const asked: unknown[] = [];
      const ledger = withFaults(world.ledger, (method, [shard]) => {
        if (method === 'due') asked.push(shard);
        return 'ok';
      });
      await reconcile({ ...world.ports, ledger }, world.deadline());
      expect(new Set(asked).size).toBe(DUE_SHARDS);
      firsts.add(asked[0]);
      world.clock.advance(MINUTE);
    }
    expect(firsts.size).toBe(DUE_SHARDS);
  });

  it('sends a lost message again after five minutes, and not earlier', async () => {
    const world = new SmallWorld();
    await world.drop('a.jsonl', fileOf('r1'));
    expect(world.queues.take()).toHaveLength(1); // lost
    for (let minute = 0; minute < 4; minute += 1) {
      world.clock.advance(MINUTE);
      await world.poll();
    }
    expect(world.queues.take()).toEqual([]);
    world.clock.advance(MINUTE);
    await world.poll();
    expect(world.queues.take()).toHaveLength(1);
  });

  it('finishes a job whose intake crashed between the plan and the messages for its parts', async () => {
    let dead = true;
    const world = new SmallWorld({
      replaced: ({ queues }) => ({
        queues: {
          reaches: queues.reaches,
          send: async (messages) => {
            if (dead) throw new RetryableError('the queue is down');
            await queues.send(messages);
          },
        },
      }),
    });
    const jobId = await world.drop('a.jsonl', fileOf('r1'));
    expect(world.api.audit().uploads).toEqual([]);
    dead = false;
    await world.rest();
    expect(world.jobStatuses(jobId)).toEqual(['accepted', 'submitted', 'completed']);
  });
});

describe('a pause', () => {
  const pause = async (world: SmallWorld, paused: boolean) => {
    const control = await world.ledger.readControl();
    await world.ledger.replaceControl({ ...control, paused });
  };

  it('stops new submissions, and nothing else', async () => {
    const world = new SmallWorld({ fate: () => ({ runningMs: 5 * MINUTE }) });
    const before = await world.drop('a.jsonl', fileOf('r1'));
    await world.work();
    await pause(world, true);
    const after = await world.drop('b.jsonl', fileOf('r1'));
    await world.work();
    await world.pass(30);
    expect(world.jobStatuses(before).at(-1)).toBe('completed');
    expect(world.jobStatuses(after)).toEqual(['accepted']);
    expect(world.api.audit().uploads).toHaveLength(1);
    await pause(world, false);
    await world.rest();
    expect(world.jobStatuses(after).at(-1)).toBe('completed');
  });

  it('does not stop a cancel from ending a waiting part', async () => {
    const world = new SmallWorld();
    await pause(world, true);
    const jobId = await world.drop('a.jsonl', fileOf('r1'));
    await world.work();
    await world.cancel({ jobId });
    await world.rest();
    expect(world.jobStatuses(jobId)).toEqual(['accepted', 'cancelled']);
  });
});
