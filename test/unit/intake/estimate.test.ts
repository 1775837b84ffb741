import { describe, expect, it } from 'vitest';
import type { JobEstimate } from '../../../functions/shared/contract/events.ts';
import { summaryOf } from '../../../functions/shared/domain/job-summary.ts';
import { withFaults } from '../../fakes/faulty.ts';
import { MINUTE, row, SmallWorld, withMethods } from '../small-world.ts';

const PRICES = { models: { 'gpt-4o-mini': { input: 1, output: 10 }, embed: { input: 0.02 } } };

/** Chat rows of 520 bytes each, of which about 400 are content. The API of the tests says 10 input and 5 output tokens of each. */
function chatFile(rows: number, limit?: number, name = 'r'): string {
  return Array.from({ length: rows }, (_, at) => {
    const messages = [{ role: 'user', content: 'x'.repeat(300) }];
    const limits = limit === undefined ? {} : { max_tokens: limit };
    const line = row(`${name}${at}`, { body: { model: 'gpt-4o-mini', messages, ...limits } });
    return `${line}${' '.repeat(519 - line.length)}\n`;
  }).join('');
}

function estimateIn(world: SmallWorld, jobId: string): JobEstimate {
  const accepted = world.bus
    .published()
    .find(({ detail }) => detail.metadata.jobId === jobId && Object(detail.data).status === 'accepted');
  const { estimate } = Object(accepted?.detail.data);
  return estimate ?? expect.fail('the accepted event has no estimate');
}

describe('the estimate of a file', () => {
  it('is in its event, its job, and its list entry, before anything is sent', async () => {
    const world = new SmallWorld({ prices: PRICES });
    const jobId = await world.drop('a.jsonl', chatFile(1_000, 100));
    expect(world.api.audit().uploads).toEqual([]);
    const estimate = estimateIn(world, jobId);
    expect(estimate).toEqual({
      currency: 'USD',
      cost: { low: '0.025', likely: '0.30', high: '0.63' },
      inputTokens: { low: 40_000, likely: 100_000, high: 260_000 },
      outputTokens: { low: 1_000, likely: 50_000, high: 100_000 },
      measured: false,
      batchDiscount: 0.5,
      models: {
        count: 1,
        first: [{ model: 'gpt-4o-mini', rows: 1_000, price: 'settings', priceDate: null }],
      },
    });
    const job = world.job(jobId);
    expect(job.plan?.estimate).toEqual(estimate);
    expect(summaryOf(job).estimate).toEqual({ currency: 'USD', cost: estimate.cost });
  });

  it('has no high values if rows set no limit', async () => {
    const world = new SmallWorld({ prices: PRICES });
    const estimate = estimateIn(world, await world.drop('a.jsonl', chatFile(10)));
    expect(estimate).toMatchObject({ outputTokens: { high: null }, cost: { high: null } });
  });

  it('names the models without a price, and no cost, but the tokens', async () => {
    const world = new SmallWorld({ prices: PRICES });
    const unpriced = row('v', {
      url: '/v1/embeddings',
      body: { model: 'own-embed', input: 'x'.repeat(400) },
    });
    const estimate = estimateIn(world, await world.drop('a.jsonl', `${chatFile(10, 100)}${unpriced}\n`));
    expect(estimate.cost).toBeNull();
    expect(estimate.inputTokens.likely).toBeGreaterThan(1_000);
    expect(estimate.models).toMatchObject({
      count: 2,
      first: [{ model: 'own-embed', price: 'unknown', priceDate: null }, { model: 'gpt-4o-mini' }],
    });
  });

  it('has the date of a list price', async () => {
    const world = new SmallWorld();
    const { models } = estimateIn(world, await world.drop('a.jsonl', chatFile(1, 5)));
    expect(models.first[0]).toMatchObject({ price: 'list', priceDate: expect.stringMatching(/^20\d\d-/) });
  });

  it('is the sum of its parts, whichever invocation reads the file', async () => {
    const world = new SmallWorld({ prices: PRICES });
    const input = Array.from({ length: 30_000 }, () => 'a');
    const rows = ['v', 'w'].map((id) => row(id, { url: '/v1/embeddings', body: { model: 'embed', input } }));
    const jobId = await world.drop('a.jsonl', `${rows.join('\n')}\n${chatFile(3, 100)}`);
    expect(world.parts(jobId)).toHaveLength(3);
    expect(world.parts(jobId).map(({ output }) => output?.tokens)).toEqual([0, 0, 300]);
    expect(estimateIn(world, jobId)).toMatchObject({
      outputTokens: { likely: 150, high: 300 },
      models: { count: 2 },
    });
  });
});

describe('after the first batch of a model, the estimate', () => {
  it('expects what its rows used, with and without limits', async () => {
    const world = new SmallWorld({ prices: PRICES });
    for (const [key, limit] of [
      ['limited', 100],
      ['open', undefined],
    ] as const) {
      await world.drop(`${key}-1.jsonl`, chatFile(200, limit, key));
      await world.rest();
      const jobId = await world.drop(`${key}-2.jsonl`, chatFile(100, limit, `${key}-`));
      const estimate = estimateIn(world, jobId);
      expect(estimate).toMatchObject({
        measured: true,
        inputTokens: { likely: 1_000 },
        outputTokens: { likely: 500, high: limit === undefined ? expect.any(Number) : 10_000 },
      });
      await world.rest();
      const { cost } = world.job(jobId);
      expect(cost?.paid).toBe('0.003'); // (1,000 × 1 + 500 × 10) ÷ 2 millionths
      expect(estimate.cost?.likely).toBe('0.003');
    }
  });

  it('does so, too, if a webhook told the end, and for each kind of rows once in ten minutes', async () => {
    const fate = () => ({ runningMs: MINUTE / 2 });
    const world = new SmallWorld({ prices: PRICES, webhooks: true, fate });
    const versions: (number | undefined)[] = [];
    for (const nth of [1, 2]) {
      const jobId = await world.drop(`${nth}.jsonl`, chatFile(200, 100, `r${nth}-`));
      await world.work();
      world.clock.advance(5 * MINUTE);
      await world.webhook(world.parts(jobId)[0]?.batch?.batchId ?? 'none');
      versions.push((await world.ledger.readControl()).version);
      await world.work();
    }
    const { measured = [] } = await world.ledger.readControl();
    expect(measured).toMatchObject([{ model: 'gpt-4o-mini', output: 5 }]);
    expect(versions[1]).toBe(versions[0]);
    const estimate = estimateIn(world, await world.drop('3.jsonl', chatFile(10, 100, 'last')));
    expect(estimate).toMatchObject({ measured: true, outputTokens: { likely: 50 } });
  });

  it('does so, too, at an API whose batches report no tokens, from the rows', async () => {
    const world = new SmallWorld({
      prices: PRICES,
      replaced: ({ api }) => ({
        api: withMethods(api, {
          retrieveBatch: async (batchId) => {
            const { usage: _, ...batch } = await api.retrieveBatch(batchId);
            return batch;
          },
          listBatches: async (query) => {
            const page = await api.listBatches(query);
            return { ...page, batches: page.batches.map(({ usage: _, ...batch }) => batch) };
          },
        }),
      }),
    });
    await world.drop('a.jsonl', chatFile(200, 100));
    await world.rest();
    const estimate = estimateIn(world, await world.drop('b.jsonl', chatFile(100, 100, 'b')));
    expect(estimate).toMatchObject({
      measured: true,
      inputTokens: { likely: 1_000 },
      outputTokens: { likely: 500 },
    });
  });

  it('survives a tick whose release meets a change of the control item', async () => {
    let paused = false;
    const world: SmallWorld = new SmallWorld({
      prices: PRICES,
      replaced: ({ ledger }) => ({
        ledger: {
          ...ledger,
          async replaceControl(control) {
            if (control.measured && !paused) {
              paused = true;
              await ledger.replaceControl({ ...(await ledger.readControl()), paused: true });
            }
            return ledger.replaceControl(control);
          },
        },
      }),
    });
    await world.drop('a.jsonl', chatFile(200, 100));
    await world.rest();
    expect(paused).toBe(true);
    const { measured = [] } = await world.ledger.readControl();
    expect(measured).toMatchObject([{ output: 5, weight: expect.any(Number) }]);
    expect(measured[0]?.weight).toBeLessThan(200);
  });

  it('costs no part: an outage while it is noted loses a sample and nothing else', async () => {
    const fate = () => ({ runningMs: MINUTE / 2 });
    let isDown = false;
    const world = new SmallWorld({
      ...{ prices: PRICES, webhooks: true, fate },
      replaced: ({ ledger }) => ({
        ledger: withFaults(ledger, (method) =>
          isDown && method === 'readControl' ? { failBefore: new Error('down') } : 'ok',
        ),
      }),
    });
    const jobId = await world.drop('a.jsonl', chatFile(3, 100));
    await world.work();
    world.clock.advance(5 * MINUTE);
    isDown = true;
    expect(await world.webhook(world.parts(jobId)[0]?.batch?.batchId ?? 'none')).toMatchObject({
      status: 200,
    });
    isDown = false;
    await world.rest();
    expect(world.job(jobId).status).toBe('completed');
    expect(world.log.lines.map(({ code }) => code)).toContain('usage_not_noted');
  });
});
