import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { RetryableError } from '../../../functions/shared/domain/errors.ts';
import { checkpointKey, rowTableKey } from '../../../functions/shared/domain/internal-keys.ts';
import { LATE_WRITES_MS } from '../../../functions/shared/domain/timing.ts';
import type { LearnedLimit } from '../../../functions/shared/domain/waiting/learned-limits.ts';
import type { Ports } from '../../../functions/shared/ports/ports.ts';
import { withFaults } from '../../fakes/faulty.ts';
import { COLLIDING } from '../request-file/colliding-ids.ts';
import { fileOf, MINUTE, row, SmallWorld } from '../small-world.ts';

const TIMEOUT = 10 * MINUTE; // of an INTAKE invocation
const CHUNK_TAKES = 4 * MINUTE; // so an invocation reads three chunks of 16 KB until a minute before its deadline

/** Returns a world in which reading a request file takes time. `replaced`: as in a small world. */
function slowWorld(replaced: (fakes: Ports) => Partial<Ports> = () => ({})): SmallWorld {
  const world: SmallWorld = new SmallWorld({
    replaced(fakes) {
      const requestFiles: Ports['requestFiles'] = {
        ...fakes.requestFiles,
        async *read(file, range) {
          for await (const chunk of fakes.requestFiles.read(file, range)) {
            yield chunk;
            world.clock.advance(CHUNK_TAKES);
          }
        },
      };
      return { requestFiles, ...replaced({ ...fakes, requestFiles }) };
    },
  });
  return world;
}

/**
 * Returns about 400 KB of embeddings for these models in turn: several invocations, and more inputs than one part may
 * have.
 */
function largeFile(models: string[], ...more: string[]): string {
  const lines = Array.from({ length: 8 }, (_, at) => {
    const input = Array.from({ length: 14_000 }, () => 'x'.repeat(at % 2));
    return row(`vector-${at}`, { url: '/v1/embeddings', body: { model: models[at % models.length], input } });
  });
  return `${[...lines, ...more].join('\n')}\n`;
}

const ONE = ['m'];
const TWO = ['m', 'n'];

/** Uploads a file and lets POLL resume its intake until the scan is over. Returns the number of invocations. */
async function intakeToEnd(world: SmallWorld, body: string): Promise<{ jobId: string; invocations: number }> {
  const { jobId, event } = world.upload('a.jsonl', body);
  await world.intake(event, world.deadline(TIMEOUT));
  return { jobId, invocations: await resumeToEnd(world, jobId) };
}

/** Lets POLL resume the intake. Returns the number of invocations, including the first one. */
async function resumeToEnd(world: SmallWorld, jobId: string): Promise<number> {
  let invocations = 1;
  for (; world.job(jobId).status === 'received'; invocations += 1) {
    if (invocations > 200) throw new Error('intake did not end');
    expect(world.queues.take()).toEqual([]); // intake sends no message to itself
    world.clock.advance(MINUTE);
    await world.poll();
    for (const message of world.queues.take()) {
      expect(message).toEqual({ to: 'intake', jobId });
      await world.intake(JSON.stringify({ jobId }), world.deadline(TIMEOUT));
    }
  }
  return invocations;
}

/** Returns a digest of the plan and of every row table, without the random ids. */
function planDigest(world: SmallWorld, jobId: string): string {
  const digest = createHash('sha256');
  const parts = world.parts(jobId);
  if (parts.length === 0) throw new Error('nothing was planned');
  for (const part of parts) {
    const { number, endpoint, model, range, rows, uploadBytes, interleaved } = part;
    digest.update(JSON.stringify({ number, endpoint, model, range, rows, uploadBytes, interleaved }));
    digest.update(world.results.objects().get(rowTableKey(part))?.body ?? 'no table');
  }
  return digest.digest('hex');
}

const below = (world: SmallWorld) =>
  [...world.results.objects().keys()].filter((key) => key.startsWith('_batchdrop/jobs/'));

describe('a file that takes longer than an invocation', () => {
  it('is read in several invocations, and its plan is the same as in one', async () => {
    const quick = new SmallWorld();
    const atOnce = await intakeToEnd(quick, largeFile(TWO));
    expect(atOnce.invocations).toBe(1);
    const world = slowWorld();
    const { jobId, invocations } = await intakeToEnd(world, largeFile(TWO));
    expect(invocations).toBeGreaterThan(3);
    expect(world.parts(jobId).length).toBeGreaterThan(2);
    expect(planDigest(world, jobId)).toBe(planDigest(quick, atOnce.jobId));
    const { scan, plan, tries } = world.job(jobId);
    expect(scan).toEqual({ planId: plan?.planId, checkpoints: invocations - 1, invocations });
    expect(tries).toBe(0);
  });

  it('is planned with the token limit of its first invocation, even if the limit changes meanwhile', async () => {
    const limits = { enqueuedTokens: { m: 40_000 } }; // 80 KB per part by the first estimate, at half of the limit
    const quick = new SmallWorld({ limits });
    const atOnce = await intakeToEnd(quick, largeFile(TWO));
    expect(quick.parts(atOnce.jobId).filter(({ model }) => model === 'm')).toHaveLength(4);
    const world = slowWorld();
    world.ports.limits = limits;
    const { jobId, event } = world.upload('a.jsonl', largeFile(TWO));
    await world.intake(event, world.deadline(TIMEOUT));
    world.ports.limits = { enqueuedTokens: { m: 1 } };
    await resumeToEnd(world, jobId);
    expect(planDigest(world, jobId)).toBe(planDigest(quick, atOnce.jobId));
  });

  it.each<[string, Pick<LearnedLimit, 'counts' | 'limit' | 'assumed'>, number]>([
    ['a limit that a refusal stated', { counts: 'tokens', limit: 40_000 }, 4],
    [
      'no limit that is only assumed, because it grows',
      { counts: 'tokens', assumed: { limit: 40_000, step: 5_000 } },
      2,
    ],
    ['no limit of requests', { counts: 'requests', limit: 40_000 }, 2],
  ])('is planned by %s', async (_, learned, parts) => {
    const world = new SmallWorld();
    const known = [{ name: 'm', models: ['m'], said: 'Later.', at: 0, ...learned }];
    await world.ledger.replaceAdmissions({ version: 0, admitted: [], measured: {}, learned: known });
    const { jobId } = await intakeToEnd(world, largeFile(TWO));
    expect(world.parts(jobId).filter(({ model }) => model === 'm')).toHaveLength(parts);
    world.ports.limits = { enqueuedTokens: { m: 1_000_000 } };
    const again = await intakeToEnd(world, largeFile(TWO, row('another')));
    expect(world.parts(again.jobId).filter(({ model }) => model === 'm')).toHaveLength(2); // a configured limit takes precedence; so many inputs need two
  });

  it('is read further by each invocation, never from an earlier start', async () => {
    const starts: number[] = [];
    const world = slowWorld(({ requestFiles }) => ({
      requestFiles: {
        ...requestFiles,
        read(file, range) {
          starts.push(range?.start ?? 0);
          return requestFiles.read(file, range);
        },
      },
    }));
    await intakeToEnd(world, largeFile(ONE));
    expect(starts.length).toBeGreaterThan(3);
    expect(starts).toEqual([...new Set(starts)].sort((a, b) => a - b));
  });

  it('that is invalid is rejected with the findings of every invocation', async () => {
    const world = slowWorld();
    const { jobId } = await intakeToEnd(world, `no json\n${largeFile(ONE, 'half a line')}`);
    expect(world.job(jobId)).toMatchObject({
      status: 'rejected',
      findings: { count: 2, first: [{ line: 1 }, { line: 10 }] },
    });
    await world.rest();
    expect(below(world)).toEqual([]);
  });

  it('that repeats an id in another invocation is rejected, and the finding names both lines', async () => {
    const world = slowWorld();
    const { jobId, invocations } = await intakeToEnd(world, largeFile(TWO, row('late'), row('vector-0')));
    expect(invocations).toBeGreaterThan(3);
    expect(world.job(jobId).findings).toEqual({
      count: 1,
      first: [{ line: 10, code: 'duplicate_custom_id', message: 'custom_id is the same as in line 1' }],
    });
  });

  it('whose ids only share their hash, in different invocations, is accepted', async () => {
    const world = slowWorld();
    const { jobId, invocations } = await intakeToEnd(
      world,
      `${row(COLLIDING[0])}\n${largeFile(TWO, row(COLLIDING[1]))}`,
    );
    expect(invocations).toBeGreaterThan(3);
    expect(world.job(jobId).plan).toMatchObject({ rows: 10, groups: 3 });
  });

  it('is cancelled between two invocations', async () => {
    const world = slowWorld();
    const jobId = await world.drop('a.jsonl', largeFile(ONE));
    expect(world.job(jobId).scan?.checkpoints).toBe(1);
    await world.cancel({ jobId });
    await world.rest();
    expect(world.jobStatuses(jobId)).toEqual(['cancelled']);
    expect(world.api.audit().uploads).toEqual([]);
    expect(below(world)).toEqual([]);
  });

  it.each<[string, (world: SmallWorld, key: string) => void]>([
    ['was removed', (world, key) => void world.results.remove([key])],
    ['was truncated', (world, key) => void world.results.put(key, bytesAt(world, key).subarray(0, -1), 'x')],
    [
      'has another format',
      (world, key) => void world.results.put(key, otherFormat(bytesAt(world, key)), 'x'),
    ],
  ])('whose checkpoint %s is read again from its start, with a new planId', async (_, spoil) => {
    const world = slowWorld();
    const jobId = await world.drop('a.jsonl', largeFile(ONE));
    const { scan } = world.job(jobId);
    if (!scan) throw new Error('there is no scan');
    spoil(world, checkpointKey({ jobId }, scan));
    await world.rest();
    expect(world.job(jobId)).toMatchObject({ status: 'completed', rows: { total: 8, succeeded: 8 } });
    expect(world.job(jobId).plan?.planId).not.toBe(scan.planId);
    expect(world.log.lines.map(({ code }) => code)).toContain('checkpoint_lost');
    expect(below(world)).toEqual([]);
  });
});

describe('a checkpoint that cannot be written', () => {
  it.each(['openWriter.write', 'openWriter.close'])('is aborted, and written again: %s', async (failing) => {
    let failures = 1;
    const calls: string[] = [];
    const world = slowWorld(({ results }) => ({
      results: withFaults(results, (method) => {
        if (method.startsWith('openWriter.')) calls.push(method);
        if (method !== failing || failures === 0) return 'ok';
        failures -= 1;
        return { failBefore: new RetryableError('slow down') };
      }),
    }));
    const jobId = await world.drop('a.jsonl', largeFile(ONE));
    expect(calls.slice(-2)).toEqual([failing, 'openWriter.abort']);
    await world.rest();
    expect(world.job(jobId)).toMatchObject({ status: 'completed', rows: { total: 8, succeeded: 8 } });
    expect(calls.filter((method) => method === 'openWriter.abort')).toHaveLength(1);
  });
});

const bytesAt = (world: SmallWorld, key: string) => world.results.objects().get(key)?.body ?? Buffer.of();
const otherFormat = (bytes: Uint8Array) =>
  Buffer.from(
    Buffer.from(bytes)
      .toString('latin1')
      .replace(/"format":\d+/, '"format":0'),
    'latin1',
  );

describe('an invocation that crashes', () => {
  /** Returns a world in which every call fails after `life.left` calls. */
  function mortal() {
    const life = { left: Number.POSITIVE_INFINITY };
    const world = slowWorld((fakes) => {
      const die = () => {
        life.left -= 1;
        return life.left < 0 ? { failBefore: new RetryableError('dead') } : ('ok' as const);
      };
      return {
        ledger: withFaults(fakes.ledger, die),
        results: withFaults(fakes.results, die),
        requestFiles: withFaults(fakes.requestFiles, die),
      };
    });
    return { world, life };
  }

  async function planned(
    dyingAfter: number[],
  ): Promise<{ digest: string; invocations: number; died: number }> {
    const { world, life } = mortal();
    const { jobId, event } = world.upload('a.jsonl', largeFile(ONE));
    const deaths = [...dyingAfter];
    let invocations = 0;
    let died = 0;
    for (; !world.ledger.jobs().some(({ status }) => status === 'accepted'); invocations += 1) {
      if (invocations > 100) throw new Error('intake did not end');
      life.left = deaths.shift() ?? Number.POSITIVE_INFINITY;
      const message = world.ledger.jobs().length > 0 ? JSON.stringify({ jobId }) : event;
      await world.intake(message, world.deadline(2 * TIMEOUT)).catch(() => {}); // fewer invocations, because each is replayed often
      if (life.left < 0) died += 1;
      life.left = Number.POSITIVE_INFINITY;
      world.clock.advance(3 * TIMEOUT); // its lease expires, and POLL resumes the job
    }
    return { digest: planDigest(world, jobId), invocations, died };
  }

  it('at any of its calls is resumed by the next one, with the same plan', {
    timeout: 120_000,
  }, async () => {
    const unharmed = await planned([]);
    expect(unharmed.invocations).toBeGreaterThan(3); // a first one, some in between, and a last one
    let deaths = 0;
    for (let healthy = 0; healthy < unharmed.invocations; healthy += 1) {
      const harmless = Array.from({ length: healthy }, () => Number.POSITIVE_INFINITY);
      for (let call = 0; ; call += 1) {
        const { digest, died } = await planned([...harmless, call]);
        expect(digest, `dead at call ${call} of invocation ${healthy + 1}`).toBe(unharmed.digest);
        if (died === 0) break;
        deaths += 1;
      }
    }
    expect(deaths).toBeGreaterThan(unharmed.invocations * 8);
  });

  it('again and again, each time one call later, is resumed to the same plan', async () => {
    const { digest } = await planned([]);
    const again = await planned(Array.from({ length: 40 }, (_, call) => call));
    expect(again.digest).toBe(digest);
    expect(again.died).toBeGreaterThan(10);
  });
});

describe('a superseded scan', () => {
  it('causes a second clean-up of its job, however late it writes', async () => {
    let stops = true;
    let late = 0;
    const world: SmallWorld = slowWorld(({ results }) => ({
      results: {
        ...results,
        async put(key, body, contentType) {
          if (!stops || !key.endsWith('.rows')) return results.put(key, body, contentType);
          stops = false;
          world.clock.advance(TIMEOUT); // its lease has expired, so others end the job and clean it up
          await world.rest();
          world.clock.advance(2 * LATE_WRITES_MS);
          expect(below(world)).toEqual([]);
          await results.put(key, body, contentType);
          late = below(world).length;
        },
      },
    }));
    const jobId = await world.drop('a.jsonl', `no json\n${largeFile(ONE)}`);
    await world.rest();
    expect(late).toBe(1);
    expect(world.jobStatuses(jobId)).toEqual(['rejected']);
    expect(below(world)).toEqual([]);
  });

  it('leaves nothing after a cancel, even if it writes once more and crashes', async () => {
    let isDead = false;
    const dead = () => (isDead ? { failBefore: new RetryableError('dead') } : ('ok' as const));
    const world: SmallWorld = slowWorld(({ ledger, results }) => ({
      ledger: withFaults(ledger, dead),
      results: {
        ...results,
        openWriter(key, contentType) {
          const writer = results.openWriter(key, contentType);
          const close = async () => {
            world.clock.advance(TIMEOUT); // its lease has expired, so the job ends and is cleaned up
            await world.cancel({ jobId: world.ledger.jobs()[0]?.jobId });
            await world.pass(2);
            expect(world.results.objects().size).toBe(0);
            isDead = true;
            return writer.close();
          };
          return { ...writer, close };
        },
      },
    }));
    const { jobId, event } = world.upload('a.jsonl', largeFile(ONE));
    await expect(world.intake(event)).rejects.toThrow('dead');
    isDead = false;
    expect(below(world)).toHaveLength(1);
    expect(world.jobStatuses(jobId)).toEqual(['cancelled']);
    await world.rest();
    expect(below(world)).toEqual([]);
  });
});

it('a file that is read in one invocation leaves nothing under _batchdrop/jobs/ after its job has ended, valid or not', async () => {
  const world = new SmallWorld();
  await world.drop('good.jsonl', fileOf('a', 'b'));
  await world.drop('bad.jsonl', fileOf('a', 'a'));
  expect(below(world)).toHaveLength(2);
  await world.rest();
  expect(world.ledger.jobs().map(({ status, cleanedUp }) => [status, cleanedUp])).toEqual([
    ['completed', true],
    ['rejected', true],
  ]);
  expect(below(world)).toEqual([]);
});
