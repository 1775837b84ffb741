import { describe, expect, it } from 'vitest';
import { reconcile } from '../../../functions/poll/reconcile.ts';
import { type BatchStatusChangeData, DETAIL_TYPE } from '../../../functions/shared/contract/events.ts';
import { RetryableError } from '../../../functions/shared/domain/errors.ts';
import { withFaults } from '../../fakes/faulty.ts';
import { fileOf, HOUR, MINUTE, row, SmallWorld, withMethods } from '../small-world.ts';

const MODEL = 'gpt-4o-mini';
const ROWS = fileOf('r1', 'r2', 'r3', 'r4'); // 40 tokens as the API counts, 122 by the estimate
const keys = (count: number) => Array.from({ length: count }, (_, n) => `${n}.jsonl`);
const ofModel = (model: string) => `${row('r1', { body: { model, messages: [] } })}\n`;

/** Returns the ids of the jobs in the order in which their batches were created. */
function jobsByCreate(world: SmallWorld): string[] {
  return world.api.audit().creates.map(({ metadata }) => metadata.batchdrop_job ?? '');
}

function openNow(world: SmallWorld): number {
  return world.ledger.parts().filter(({ batch }) => batch && !/completed|failed/.test(batch.status)).length;
}

async function dropAll(world: SmallWorld, count: number, body = ROWS): Promise<string[]> {
  const jobs: string[] = [];
  for (const key of keys(count)) {
    jobs.push(await world.drop(key, body));
    world.clock.advance(1_000);
  }
  return jobs;
}

/** Advances the clock until nothing is due, and calls `eachMinute` after each minute. */
async function restWith(world: SmallWorld, eachMinute: () => void): Promise<void> {
  for (let minute = 0; minute < 2_000; minute += 1) {
    const items = [...world.ledger.jobs(), ...world.ledger.parts()];
    if (items.every(({ dueAt }) => dueAt === undefined)) return;
    await world.pass(1);
    eachMinute();
  }
  throw new Error('something is still due after 2,000 minutes');
}

function requeuedEvents(world: SmallWorld): BatchStatusChangeData[] {
  return world.bus
    .published()
    .flatMap((event) =>
      event.detailType === DETAIL_TYPE.batchStatusChange && event.detail.data.willRetry
        ? [event.detail.data]
        : [],
    );
}

async function pause(world: SmallWorld, paused: boolean): Promise<void> {
  await world.ledger.replaceControl({ ...(await world.ledger.readControl()), paused });
}

describe('with no limit set', () => {
  it('each part gets its batch from its first message, without POLL', async () => {
    const world = new SmallWorld();
    await dropAll(world, 3);
    await world.work();
    expect(world.api.audit().creates).toHaveLength(3);
  });

  it('a requeued part is tried again when another batch of its model has ended, oldest job first', async () => {
    const world = new SmallWorld({ enqueuedTokens: () => 40, fate: () => ({ runningMs: 3 * HOUR }) });
    const jobs = await dropAll(world, 3);
    await world.work();
    await world.pass(60); // the first backoffs are over, but what is enqueued was too much before
    expect(world.parts(jobs[1] ?? '')[0]?.tokenLimitRejections).toBe(1);
    await world.pass(125);
    expect(world.job(jobs[0] ?? '').status).toBe('completed');
    expect(world.parts(jobs[1] ?? '')[0]).toMatchObject({ batch: { status: 'in_progress' } });
    await world.rest();
    expect(jobs.map((jobId) => world.job(jobId).status)).toEqual(['completed', 'completed', 'completed']);
    expect(jobs.map((jobId) => world.job(jobId).rows?.succeeded)).toEqual([4, 4, 4]);
  });

  it('a part is not admitted before its rejection is stored as published: the event says that it waits, each time', async () => {
    let isDown = true;
    const world: SmallWorld = new SmallWorld({
      fate: ({ nth }) => {
        const failure = [{ code: 'token_limit_exceeded', message: 'Later.', param: null, line: null }];
        return nth === 1 ? { failure } : {};
      },
      replaced: ({ ledger }) => ({
        ledger: {
          ...ledger,
          async replacePart(part) {
            if (isDown && part.phase === 'requeued' && part.publishedRev === part.rev)
              throw new RetryableError('the ledger is down');
            return ledger.replacePart(part);
          },
        },
      }),
    });
    const jobId = await world.drop('a.jsonl', ROWS);
    for (let minute = 0; minute < 60; minute += 1) await world.pass(1).catch(() => {}); // the wait ends meanwhile
    expect(world.parts(jobId)[0]).toMatchObject({ phase: 'requeued', rev: 2, publishedRev: 1 });
    isDown = false;
    await world.rest();
    expect(world.job(jobId)).toMatchObject({ status: 'completed', rows: { succeeded: 4 } });
    const events = requeuedEvents(world);
    expect(events.length).toBeGreaterThan(1);
    for (const event of events) expect(event).toEqual(events[0]);
  });

  it('a rejection for the token limit does not count as an attempt', async () => {
    const world = new SmallWorld({
      fate: ({ nth }) => {
        const failure = [{ code: 'token_limit_exceeded', message: 'Later.', param: null, line: null }];
        return nth <= 6 ? { failure } : nth === 7 ? { row: () => ({ statusCode: 503 }) } : {};
      },
      rerun: { maxAttempts: 2 },
    });
    const jobId = await world.drop('a.jsonl', fileOf('r1'));
    await world.rest();
    expect(world.job(jobId)).toMatchObject({ status: 'completed', rows: { succeeded: 1 } });
    expect(world.parts(jobId)[0]).toMatchObject({ tokenLimitRejections: 6 });
  });

  it('a new part waits behind the requeued parts of its model, but not behind those of another model', async () => {
    const world = new SmallWorld({ enqueuedTokens: () => 40, fate: () => ({ runningMs: 30 * MINUTE }) });
    const [first, second] = await dropAll(world, 2);
    await world.work();
    await world.pass(2); // the batch of the second is rejected for the token limit
    const third = await world.drop('third.jsonl', fileOf('r1'));
    const other = await world.drop('other.jsonl', ofModel('gpt-4o'));
    await world.work();
    expect(world.parts(third)[0]?.waiting).toMatchObject({ for: 'token_limit' });
    expect(world.parts(other)[0]?.batch).toBeDefined();
    await world.rest();
    const inOrder = jobsByCreate(world).filter((jobId, at, all) => all.lastIndexOf(jobId) === at);
    expect(inOrder.filter((jobId) => jobId !== other)).toEqual([first, second, third]);
  });

  it('a part larger than the capacity of its model does not block smaller parts of the model', async () => {
    const world = new SmallWorld({ enqueuedTokens: () => 40 });
    const large = await world.drop('large.jsonl', fileOf('r1', 'r2', 'r3', 'r4', 'r5'));
    await world.work();
    await world.pass(10);
    const small = await world.drop('small.jsonl', ROWS);
    await world.work();
    await world.pass(60);
    expect(world.job(small).status).toBe('completed');
    await world.rest();
    // After a few rejections its rows are sent in slices.
    expect(world.job(large)).toMatchObject({ status: 'completed', rows: { succeeded: 5 } });
    expect(world.parts(large)[0]?.ran.length).toBeGreaterThan(0);
  });

  it('a requeued part is admitted although new parts keep arriving', async () => {
    const world = new SmallWorld({ enqueuedTokens: () => 40 });
    await world.drop('before.jsonl', ROWS);
    const unlucky = await world.drop('a.jsonl', ROWS);
    await world.work();
    for (let n = 0; n < 20; n += 1) {
      await world.drop(`newcomer ${n}.jsonl`, fileOf('r1'));
      await world.work();
      await world.pass(1);
    }
    expect(world.parts(unlucky)[0]?.batch?.status).not.toBe('failed');
    await world.rest();
    expect(world.ledger.jobs().map(({ status }) => status)).toEqual(
      world.ledger.jobs().map(() => 'completed'),
    );
  });

  it('the event of a rejected batch says what its part waits for, at which position, and until when', async () => {
    const world = new SmallWorld({ enqueuedTokens: () => 40, fate: () => ({ runningMs: HOUR }) });
    await dropAll(world, 3);
    await world.work();
    await world.pass(1);
    const waiting = requeuedEvents(world).map((data) => data.waiting);
    expect(waiting.map((one) => one?.for)).toEqual(['token_limit', 'token_limit']);
    expect(waiting.map((one) => one?.position).toSorted()).toEqual([1, 2]);
    for (const one of waiting) {
      const minutes = (Date.parse(one?.until ?? '') - world.clock.now()) / MINUTE;
      expect(minutes).toBeGreaterThanOrEqual(5);
      expect(minutes).toBeLessThanOrEqual(7.5);
    }
    expect(new Set(waiting.map((one) => one?.until)).size).toBe(2);
  });
});

describe('with open batches limited', () => {
  const limits = { maxOpenBatches: 2 };

  it('there are never more open batches than the limit, and the oldest job comes first', async () => {
    const world = new SmallWorld({ limits });
    const jobs = await dropAll(world, 6);
    await world.work();
    expect(world.api.audit().creates).toEqual([]);
    let most = 0;
    await restWith(world, () => {
      most = Math.max(most, openNow(world));
    });
    expect(most).toBe(2);
    expect(jobsByCreate(world)).toEqual(jobs);
    expect(jobs.map((jobId) => world.job(jobId).status)).toEqual(jobs.map(() => 'completed'));
  });

  it('the end of a batch admits the next part at once, and costs one read if no part waits', async () => {
    const world = new SmallWorld({ limits, webhooks: true, fate: () => ({ runningMs: 10 * MINUTE }) });
    const jobs = await dropAll(world, 3);
    await world.pass(2);
    expect(jobsByCreate(world)).toEqual(jobs.slice(0, 2));
    const endOf = async (jobId = '') => {
      await world.webhook(world.parts(jobId)[0]?.batch?.batchId ?? 'none');
      await world.pollAtEnd();
      await world.work();
    };
    world.clock.advance(10 * MINUTE);
    await endOf(jobs[0]);
    expect(jobsByCreate(world)).toEqual(jobs);
    const before = await world.ledger.readControl();
    await endOf(jobs[1]);
    expect(world.log.lines.filter(({ code }) => code === 'tick_not_needed')).toHaveLength(1);
    expect(await world.ledger.readControl()).toEqual(before);
  });

  it('a tick that did not see all parts remembers that some waited', async () => {
    const world = new SmallWorld({ limits, fate: () => ({ runningMs: HOUR }) });
    await dropAll(world, 3);
    await world.pass(2);
    const unread = { ...world.ledger, due: () => Promise.reject(new RetryableError('the index is away')) };
    await reconcile({ ...world.ports, ledger: unread }, world.deadline(55_000));
    expect((await world.ledger.readControl()).partsWait).toBe(true);
  });

  it('a tick that was frozen until after its lease admits nothing: what it has read is old', async () => {
    const world = new SmallWorld({ limits, fate: () => ({ runningMs: HOUR }) });
    const [running = ''] = await dropAll(world, 1);
    await world.pass(2);
    const waits = await world.drop('waits.jsonl', ROWS);
    const api = withMethods(world.api, {
      async retrieveBatch(batchId) {
        const batch = await world.api.retrieveBatch(batchId);
        world.clock.advance(15 * MINUTE);
        return batch;
      },
    });
    await reconcile({ ...world.ports, api }, world.deadline(55_000));
    const { admitted } = await world.ledger.readAdmissions();
    expect(admitted.map(({ jobId }) => jobId)).toEqual([running]);
    await world.rest();
    expect(jobsByCreate(world)).toEqual([running, waits]);
  });

  it('the accepted event says that the batches of the file wait', async () => {
    const world = new SmallWorld({ limits });
    const jobId = await world.drop('a.jsonl', ROWS);
    const [accepted] = world.bus.published();
    expect(accepted?.detail).toMatchObject({
      metadata: { jobId },
      data: { status: 'accepted', waiting: { for: 'open_batches' } },
    });
  });

  it('a rerun waits for capacity, too', async () => {
    const world = new SmallWorld({
      limits: { maxOpenBatches: 1 },
      fate: ({ nth }) => (nth === 1 ? { row: () => ({ statusCode: 503 }) } : {}),
    });
    const jobs = await dropAll(world, 3);
    await world.work();
    let most = 0;
    await restWith(world, () => {
      most = Math.max(most, openNow(world));
    });
    expect(most).toBe(1);
    expect(jobsByCreate(world)).toHaveLength(4);
    expect(jobs.map((jobId) => world.job(jobId).rows?.succeeded)).toEqual([4, 4, 4]);
  });

  it('a create without a response takes capacity', async () => {
    const world = new SmallWorld({
      limits: { maxOpenBatches: 1 },
      lateByMs: ({ metadata }) => (metadata.batchdrop_job === first ? 2 * MINUTE : undefined),
      fate: () => ({ runningMs: 20 * MINUTE }),
    });
    let first = '';
    [first = ''] = await dropAll(world, 2);
    await world.pass(10);
    expect(jobsByCreate(world)).toEqual([first]);
    await world.rest();
    expect(jobsByCreate(world)).toHaveLength(2);
  });

  it('a requeued part that was admitted again takes capacity before its message arrives', async () => {
    const message = `Enqueued token limit reached for ${MODEL}. Limit: 1,000,000 enqueued tokens.`; // caused by other programs
    const failure = [{ code: 'token_limit_exceeded', message, param: null, line: null }];
    const fate = ({ nth }: { nth: number }) => (nth === 1 ? { failure } : { runningMs: 2 * HOUR });
    const world = new SmallWorld({ limits, fate });
    const first = await world.drop('first.jsonl', ROWS);
    await world.pass(2);
    const [, third = ''] = await dropAll(world, 2);
    await world.pass(1);
    expect(world.parts(first)[0]).toMatchObject({ waiting: { for: 'token_limit' } });
    for (let minute = 0; minute < 12; minute += 1) {
      world.clock.advance(MINUTE);
      await world.poll();
      world.queues.take(); // lost
    }
    expect(world.parts(first)[0]).not.toHaveProperty('waiting');
    expect(world.parts(third)[0]).toHaveProperty('waiting');
    await world.rest();
    expect(world.ledger.jobs().map(({ status }) => status)).toEqual(['completed', 'completed', 'completed']);
  });

  it('the event of a rejected batch stays the same when a cancel arrives before its publication is recorded', async () => {
    let refusing = true;
    const failure = [{ code: 'token_limit_exceeded', message: 'Later.', param: null, line: null }];
    const world = new SmallWorld({
      fate: () => ({ failure }),
      replaced: ({ bus }) => ({
        bus: withFaults(bus, (_, [events]) =>
          refusing && JSON.stringify(events).includes('willRetry')
            ? { failAfter: new RetryableError('the answer was lost') }
            : 'ok',
        ),
      }),
    });
    const jobId = await world.drop('a.jsonl', ROWS);
    await world.work();
    await world.pass(1);
    await world.cancel({ jobId });
    refusing = false;
    await world.rest();
    const events = requeuedEvents(world);
    expect(events.length).toBeGreaterThan(1);
    expect(new Set(events.map((data) => JSON.stringify(data))).size).toBe(1);
    expect(world.job(jobId).status).toBe('cancelled');
  });

  it('a cancel ends a waiting part at once, and the next part takes its place', async () => {
    const world = new SmallWorld({ limits: { maxOpenBatches: 1 }, fate: () => ({ runningMs: HOUR }) });
    const [, second = '', third = ''] = await dropAll(world, 3);
    await world.pass(2);
    await world.cancel({ jobId: second });
    expect(world.parts(second)[0]?.ended?.as).toBe('cancelled');
    await world.pass(2);
    expect(world.job(second).status).toBe('cancelled');
    await world.rest();
    expect(jobsByCreate(world)).not.toContain(second);
    expect(world.job(third).status).toBe('completed');
  });

  it('no part is admitted during a pause, and admission resumes afterwards', async () => {
    const world = new SmallWorld({ limits });
    await pause(world, true);
    const jobs = await dropAll(world, 2);
    await world.pass(30);
    expect(jobsByCreate(world)).toEqual([]);
    await pause(world, false);
    await world.rest();
    expect(jobsByCreate(world)).toEqual(jobs);
  });

  it('parts that wait for a limit are admitted when the limit is removed', async () => {
    const world = new SmallWorld({ limits: { maxOpenBatches: 1 }, fate: () => ({ runningMs: HOUR }) });
    await dropAll(world, 4);
    await world.pass(2);
    expect(jobsByCreate(world)).toHaveLength(1);
    world.ports.limits = { enqueuedTokens: {} };
    await world.pass(2);
    expect(jobsByCreate(world)).toHaveLength(4);
  });

  it('batches that were open before the limit was set take capacity', async () => {
    const world = new SmallWorld({ fate: () => ({ runningMs: HOUR }) });
    await dropAll(world, 3);
    await world.work();
    world.ports.limits = { enqueuedTokens: {}, ...limits };
    const late = await world.drop('late.jsonl', ROWS);
    await world.pass(30);
    expect(jobsByCreate(world)).not.toContain(late);
    await world.rest();
    expect(world.job(late).status).toBe('completed');
  });
});

describe('with enqueued tokens limited', () => {
  it('parts wait before they are submitted, so that the API rejects none', async () => {
    const limits = { enqueuedTokens: { [MODEL]: 260 } }; // two parts by the estimate
    const world = new SmallWorld({ limits, enqueuedTokens: () => 80 });
    const jobs = await dropAll(world, 5);
    await world.work();
    const other = await world.drop('other.jsonl', ofModel('gpt-4o'));
    await world.work();
    expect(jobsByCreate(world)).toEqual([other]); // which is not limited
    await world.rest();
    expect(jobs.map((jobId) => world.job(jobId).status)).toEqual(jobs.map(() => 'completed'));
    expect(requeuedEvents(world)).toEqual([]);
    expect(jobsByCreate(world).slice(1)).toEqual(jobs);
  });

  it('a file beyond the limit is split into parts of at most half the limit, so that two run at once', async () => {
    const limits = { enqueuedTokens: { [MODEL]: 250 } }; // 1,000 bytes by the estimate
    const world = new SmallWorld({ limits, enqueuedTokens: () => 250 });
    const rows = Array.from({ length: 30 }, (_, n) => `row-${n}`);
    const jobId = await world.drop('a.jsonl', fileOf(...rows));
    await world.rest();
    expect(world.job(jobId)).toMatchObject({ status: 'completed', rows: { total: 30, succeeded: 30 } });
    const sizes = world.parts(jobId).map(({ uploadBytes }) => uploadBytes);
    expect(sizes.length).toBeGreaterThan(5);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(500);
    expect(requeuedEvents(world)).toEqual([]);
    expect(world.lines('output.jsonl').map(({ custom_id: id }) => id)).toEqual(rows);
  });

  it('the usage of finished batches decides how large parts are', async () => {
    const limits = { enqueuedTokens: { [MODEL]: 25_000 } };
    const world = new SmallWorld({ limits });
    const rows = (name: string) => fileOf(...Array.from({ length: 2_000 }, (_, n) => `${name}-${n}`));
    const first = await world.drop('a.jsonl', rows('a')); // 0.2 MB: an estimate of 50,000 tokens, 20,000 billed
    await world.rest();
    const second = await world.drop('b.jsonl', rows('b'));
    await world.rest();
    const [before, after] = [first, second].map((jobId) => world.parts(jobId).length);
    expect(before).toBe(5);
    expect(after).toBeLessThan(before ?? 0);
  });

  it('a row larger than the limit runs alone, with a warning in the log and in the summary', async () => {
    const limits = { enqueuedTokens: { [MODEL]: 10 } };
    const world = new SmallWorld({ limits });
    const jobId = await world.drop('a.jsonl', fileOf('r1', 'r2'));
    await world.rest();
    expect(world.job(jobId)).toMatchObject({ status: 'completed', rows: { total: 2, succeeded: 2 } });
    expect(world.log.lines.filter(({ code }) => code === 'part_over_token_limit')).toHaveLength(2);
    const summary = summaryOf(world, jobId);
    expect(summary.warnings).toHaveLength(2);
    expect(summary.warnings[0]).toContain('exceed the limit of 10 ');
  });

  it('the usage of finished batches corrects the estimate, and the summary shows both', async () => {
    const limits = { enqueuedTokens: { [MODEL]: 120_000 } }; // a file is just under half
    const world = new SmallWorld({ limits });
    const many = fileOf(...Array.from({ length: 2_000 }, (_, n) => `row-${n}`)); // 0.2 MB, 20,000 tokens
    const first = await world.drop('a.jsonl', many);
    world.clock.advance(1_000);
    const second = await world.drop('b.jsonl', `${many} `);
    await world.pass(30);
    const third = await world.drop('c.jsonl', `${many}  `);
    await world.rest();
    const [early] = summaryOf(world, first).parts[0].batches;
    const [late] = summaryOf(world, third).parts[0].batches;
    expect(early.usage.inputTokens).toBe(20_000);
    expect(early.enqueuedTokensLimit).toBe(120_000);
    expect(early.estimatedInputTokens).toBeGreaterThan(50_000);
    expect(late.estimatedInputTokens).toBeLessThan(early.estimatedInputTokens / 1.5);
    expect(world.job(second).status).toBe('completed');
    expect((await world.ledger.readAdmissions()).measured[MODEL]?.tokens).toBeGreaterThanOrEqual(40_000);
  });
});

describe('a tick', () => {
  /** Returns a world in which POLL crashed after it recorded the admitted parts and before it changed any of them. */
  async function afterDeath() {
    let dead = true;
    const world = new SmallWorld({
      limits: { maxOpenBatches: 2 },
      fate: () => ({ runningMs: HOUR }),
      replaced: ({ ledger }) => ({
        ledger: withFaults(ledger, (method, [part]) =>
          dead && method === 'replacePart' && Object(part).admission
            ? { failBefore: new RetryableError('the function is gone') }
            : 'ok',
        ),
      }),
    });
    const jobs = await dropAll(world, 4);
    await world.pass(1);
    expect(jobsByCreate(world)).toEqual([]);
    dead = false;
    return { world, jobs };
  }

  it('that crashes leaves its admitted parts to the next tick, and no other part takes their place', async () => {
    const { world, jobs } = await afterDeath();
    expect((await world.ledger.readAdmissions()).admitted).toHaveLength(2);
    await world.pass(3);
    expect(jobsByCreate(world)).toEqual(jobs.slice(0, 2));
    await world.rest();
    expect(jobsByCreate(world)).toEqual(jobs);
  });

  it('that lost its lease admits no part', async () => {
    const world = new SmallWorld({ limits: { maxOpenBatches: 1 }, fate: () => ({ runningMs: HOUR }) });
    const [first] = await dropAll(world, 2);
    let leaseLost = false;
    const slow = {
      ...world.ledger,
      // Its index does not show the first part yet, so it is about to admit the second.
      due: async (...asked: Parameters<typeof world.ledger.due>) =>
        (await world.ledger.due(...asked)).filter(({ jobId }) => jobId !== first),
      async replaceAdmissions(admissions: Parameters<typeof world.ledger.replaceAdmissions>[0]) {
        leaseLost = true;
        world.clock.advance(2 * MINUTE); // its lease expires
        await world.poll();
        return world.ledger.replaceAdmissions(admissions);
      },
    };
    await reconcile({ ...world.ports, ledger: slow }, world.deadline(55_000));
    await world.work();
    expect(leaseLost).toBe(true);
    expect(jobsByCreate(world)).toEqual([first]);
  });
});

function summaryOf(world: SmallWorld, jobId: string) {
  const found = [...world.results.objects()].find(([key]) => key.endsWith(`${jobId}/summary.json`));
  return JSON.parse(Buffer.from(found?.[1].body ?? '{}').toString());
}

/** Found by `npm run simulate` with seed 6429: its place in the queue was older than its dispatch. */
it('the wait of a part begins at its dispatch, not at its plan', async () => {
  let fails = false;
  const world = new SmallWorld({
    fate: () => ({ runningMs: HOUR }),
    limits: { enqueuedTokens: {}, maxOpenBatches: 1 },
    replaced: ({ ledger }) => ({
      ledger: withFaults(ledger, (method) =>
        fails && (method === 'replacePart' || method === 'createPart')
          ? { failBefore: new RetryableError('throttled') }
          : 'ok',
      ),
    }),
  });
  await world.drop('first.jsonl', fileOf('r0'));
  await world.pass(3);
  fails = true;
  const jobId = await world.drop('a.jsonl', fileOf('r1'));
  const planned = world.clock.now();
  fails = false;
  await world.pass(2);
  expect(world.parts(jobId)[0]?.waiting?.since ?? 0).toBeGreaterThan(planned);
});

describe('with shares', () => {
  const TEAM = ['ads', 'ads', 'ads', 'search', 'billing'];
  const shares = { by: 'team', weights: { search: 3, '*': 1 } };

  async function dropTeams(world: SmallWorld, given: Record<string, string>[]): Promise<string[]> {
    const jobs: string[] = [];
    for (const [n, metadata] of given.entries()) {
      jobs.push(await world.drop(`${n}.jsonl`, ROWS, metadata));
      world.clock.advance(1_000);
    }
    await world.work();
    return jobs;
  }

  it('teams take turns, and their leads are kept from tick to tick', async () => {
    const world = new SmallWorld({ limits: { maxOpenBatches: 1, shares } });
    const teams = [...TEAM, 'search'];
    const jobs = await dropTeams(
      world,
      teams.map((team) => ({ 'batch-team': team })),
    );
    await world.rest();
    const order = jobsByCreate(world).map((jobId) => teams[jobs.indexOf(jobId)]);
    expect(order).toEqual(['ads', 'search', 'billing', 'search', 'ads', 'ads']);
  });

  it('an urgent file begins before older ones of the same team, and one that can wait after them', async () => {
    const world = new SmallWorld({ limits: { maxOpenBatches: 1, shares: { weights: {} } } });
    const jobs = await dropTeams(world, [
      {},
      { 'batchdrop-priority': 'low' },
      {},
      {},
      { 'batchdrop-priority': 'high' },
      { 'batchdrop-priority': 'high' },
    ]);
    await world.rest();
    const order = jobsByCreate(world).map((jobId) => jobs.indexOf(jobId));
    expect(order).toEqual([0, 1, 4, 5, 2, 3]);
  });

  it('without shares, teams and priorities change nothing', async () => {
    const world = new SmallWorld({ limits: { maxOpenBatches: 1 } });
    const jobs = await dropTeams(
      world,
      TEAM.map((team) => ({ 'batch-team': team, 'batchdrop-priority': team === 'search' ? 'high' : 'low' })),
    );
    await world.rest();
    expect(jobsByCreate(world)).toEqual(jobs);
    expect(world.parts(jobs[0] ?? '')[0]).not.toHaveProperty('share');
  });

  it('nothing waits that no limit delays', async () => {
    const world = new SmallWorld({ limits: { shares } });
    await dropTeams(
      world,
      TEAM.map((team) => ({ 'batch-team': team })),
    );
    expect(openNow(world)).toBe(TEAM.length);
  });
});
