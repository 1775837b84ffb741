import { describe, expect, it } from 'vitest';
import { Ambiguous, RetryableError } from '../../../functions/shared/domain/errors.ts';
import type { Ports } from '../../../functions/shared/ports/ports.ts';
import { type Fault, withFaults } from '../../fakes/faulty.ts';
import { fileOf, HOUR, SmallWorld } from '../small-world.ts';

/** Holds one call until the test releases it. */
class Hold {
  #letGoOn = () => {};
  #reached = () => {};
  readonly #free = new Promise<void>((resolve) => {
    this.#letGoOn = resolve;
  });
  /** Resolves when the call is held. */
  readonly reached = new Promise<void>((resolve) => {
    this.#reached = resolve;
  });

  hold(): Promise<void> {
    this.#reached();
    return this.#free;
  }

  letGoOn(): void {
    this.#letGoOn();
  }
}

/**
 * Returns a world in which one invocation of SUBMIT is held at a call to the ledger, while another one has a second
 * copy of its message. `failures`: the failures of the next calls to the API. A new batch is not on the list at once.
 */
function heldAt(method: keyof Ports['ledger'], failures: { [method: string]: Fault[] }) {
  const hold = new Hold();
  let isHeldNext = false;
  const world = new SmallWorld({
    listLagMs: 60_000,
    replaced: ({ api, ledger }) => ({
      api: withFaults(api, (called) => failures[called]?.shift() ?? 'ok'),
      ledger: withFaults(ledger, (called) => {
        if (called !== method || !isHeldNext) return 'ok';
        isHeldNext = false;
        return { delay: () => hold.hold() };
      }),
    }),
  });
  const holdNext = () => {
    isHeldNext = true;
  };
  return { world, hold, holdNext };
}

describe('of two concurrent invocations for one part,', () => {
  it('only one sends the create, although the other had read the part earlier and ended without a batch', async () => {
    const { world, hold, holdNext } = heldAt('readCreateWindow', {
      createBatch: [{ failAfter: new Ambiguous('the answer was lost') }],
    });
    const jobId = await world.drop('a.jsonl', fileOf('r1', 'r2'));
    const [part] = world.parts(jobId);
    const body = JSON.stringify({ ref: part });
    await world.submit(body, world.deadline(30_000)); // uploads the file; the remaining time is too short for a create
    expect(world.parts(jobId)[0]?.phase).toBe('uploaded');
    world.clock.advance(5_000);

    holdNext();
    const held = world.submit(body);
    await hold.reached;
    await world.submit(body);
    hold.letGoOn();
    await held;
    await world.rest();

    expect(world.api.audit().creates).toHaveLength(1);
    expect(world.parts(jobId)[0]?.secondBatchIds).toEqual([]);
    expect(world.job(jobId).status).toBe('completed');
  });

  it('only one uploads the file, although the other had read the part earlier', async () => {
    const { world, hold, holdNext } = heldAt('replacePart', {
      uploadFile: [{ failBefore: new RetryableError('HTTP 500') }],
    });
    const jobId = await world.drop('a.jsonl', fileOf('r1', 'r2'));
    const [part] = world.parts(jobId);
    const body = JSON.stringify({ ref: part });
    await world.submit(body);
    expect(world.parts(jobId)[0]?.phase).toBe('uploading');
    world.clock.advance(20_000);

    holdNext();
    const held = world.submit(body, world.deadline(30_000));
    await hold.reached;
    await world.submit(body, world.deadline(30_000));
    expect(world.parts(jobId)[0]?.phase).toBe('uploaded');
    hold.letGoOn();
    await held;
    await world.rest();

    expect(world.api.audit().uploads).toHaveLength(1);
    expect(world.api.files()).toEqual([]);
    expect(world.job(jobId).status).toBe('completed');
  });

  it('only one gives up the create, and the other leaves the next create alone', async () => {
    const { world, hold, holdNext } = heldAt('replacePart', {
      createBatch: [
        { failBefore: new Ambiguous('the request was lost') },
        { failAfter: new Ambiguous('the answer was lost') },
      ],
    });
    const jobId = await world.drop('a.jsonl', fileOf('r1', 'r2'));
    const [part] = world.parts(jobId);
    const body = JSON.stringify({ ref: part });
    await world.submit(body);
    expect(world.parts(jobId)[0]?.phase).toBe('creating');
    world.clock.advance(HOUR);

    holdNext();
    const held = world.submit(body);
    await hold.reached;
    await world.submit(body); // its batch is not on the list yet
    expect(world.parts(jobId)[0]).toMatchObject({ phase: 'creating', abandoned: [{}] });
    hold.letGoOn();
    await held;
    await world.rest();

    const { creates, billed } = world.api.audit();
    expect(creates).toHaveLength(1);
    expect(billed.map(({ customId }) => customId).toSorted()).toEqual(['r1', 'r2']);
    expect(world.job(jobId).status).toBe('completed');
  });
});
