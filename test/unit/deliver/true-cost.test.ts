import { describe, expect, it } from 'vitest';
import { COSTS_FOLDER } from '../../../functions/shared/contract/result-keys.ts';
import type { BatchApi } from '../../../functions/shared/ports/ports.ts';
import { fileOf, SmallWorld, withMethods } from '../small-world.ts';

const PRICES = {
  models: {
    'gpt-4o-mini': { input: 0.15, cachedInput: 0.075, output: 0.6 },
    'gpt-4o-mini-*': { input: 0.15, cachedInput: 0.075, cacheWrites: 0.1875, output: 0.6 },
  },
};

/** What a line of the API says of a row. */
interface Said {
  status?: number;
  model?: string;
  /** Input, cached input, cache writes, output. */
  tokens?: [number, number, number, number];
}

function line(customId: string, { status = 200, model = 'gpt-4o-mini', tokens }: Said): string {
  const [input = 0, cached = 0, written = 0, output = 0] = tokens ?? [];
  const usage = {
    prompt_tokens: input,
    prompt_tokens_details: { cached_tokens: cached, cache_write_tokens: written },
    completion_tokens: output,
  };
  const body = { model, ...(tokens ? { usage } : {}) };
  const response = { status_code: status, request_id: 'r', body };
  return `${JSON.stringify({ id: `b_${customId}`, custom_id: customId, response, error: null })}\n`;
}

/** Runs one file whose batches answer with these rows, the first batch first. Returns all that tells its cost. */
async function run(attempts: Record<string, Said>[], prices: object = PRICES) {
  const answers = attempts.map((rows) => Object.entries(rows).map(([id, said]) => line(id, said)));
  const answering = (api: BatchApi): BatchApi => {
    const answerOf = new Map<string, string>();
    return withMethods(api, {
      async *readFile(fileId) {
        const answer = answerOf.get(fileId) ?? (answers[answerOf.size] ?? []).join('');
        answerOf.set(fileId, answer);
        yield Buffer.from(answer);
      },
      fileBytes: async () => undefined,
    });
  };
  const world = new SmallWorld({ prices, replaced: ({ api }) => ({ api: answering(api) }) });
  const jobId = await world.drop('a.jsonl', fileOf(...Object.keys(attempts[0] ?? {})), {
    'batch-team': 'search',
  });
  await world.rest();
  const objects = [...world.results.objects()];
  const bodyOf = (found: (key: string) => boolean): unknown =>
    JSON.parse(Buffer.from(objects.find(([key]) => found(key))?.[1].body ?? '').toString());
  const event = world.bus.published().findLast(({ detail }) => 'cost' in detail.data);
  return {
    raw: answers.flat(),
    cost: world.job(jobId).cost,
    event: event && 'cost' in event.detail.data ? event.detail.data.cost : undefined,
    summary: bodyOf((key) => key.endsWith('/summary.json')),
    record: bodyOf((key) => key.startsWith(COSTS_FOLDER)),
    records: objects.filter(([key]) => key.startsWith(COSTS_FOLDER)).map(([key]) => key),
    log: world.log.lines,
    jobId,
  };
}

/** The same by hand, from the raw result lines of all batches, in 10⁻¹² dollars; undefined for an unknown model. */
function costByHand(raw: string[]): { list: bigint | undefined; paid: bigint | undefined } {
  let list: bigint | undefined = 0n;
  for (const { response } of raw.map((text) => JSON.parse(text))) {
    const { model, usage } = response.body;
    if (!usage) continue;
    if (!model.startsWith('gpt-4o-mini')) list = undefined;
    if (list === undefined) continue;
    const { cached_tokens: cached, cache_write_tokens: written } = usage.prompt_tokens_details;
    const fresh = usage.prompt_tokens - cached - written;
    list += BigInt(fresh) * 150_000n + BigInt(cached) * 75_000n;
    list += BigInt(written) * (model === 'gpt-4o-mini' ? 150_000n : 187_500n);
    list += BigInt(usage.completion_tokens) * 600_000n;
  }
  return { list, paid: list === undefined ? undefined : list / 2n };
}

const units = (decimal: string | null | undefined): bigint | undefined => {
  const [whole = '', fraction = ''] = (decimal ?? '').split('.');
  return whole === '' ? undefined : BigInt(whole) * 10n ** 12n + BigInt(fraction.padEnd(12, '0'));
};

describe('the cost of a job', () => {
  it('is that of the raw result lines of all its batches: retries, cached input and cache writes', async () => {
    const { raw, cost } = await run([
      {
        r1: { tokens: [1_000, 512, 128, 77] },
        r2: { status: 500, tokens: [333, 0, 0, 0] },
        r3: { tokens: [7, 0, 0, 1], model: 'gpt-4o-mini-2024-07-18' },
        r4: { status: 429 },
      },
      { r2: { tokens: [333, 256, 0, 41] }, r4: { tokens: [19, 0, 11, 3], model: 'gpt-4o-mini-2024-07-18' } },
    ]);
    expect({ list: units(cost?.list), paid: units(cost?.paid) }).toEqual(costByHand(raw));
    expect(cost?.models).toMatchObject([
      { model: 'gpt-4o-mini', rows: 3, inputTokens: 1_666, cachedInputTokens: 768, outputTokens: 118 },
      { model: 'gpt-4o-mini-2024-07-18', rows: 2, cacheWriteTokens: 11 },
    ]);
  });

  it('is the same in the event, the summary, and the object of its day', async () => {
    const { cost, event, summary, record, records, jobId } = await run([{ r1: { tokens: [9, 0, 0, 2] } }]);
    expect(cost).toMatchObject({ currency: 'USD', list: '0.00000255', paid: '0.000001275' });
    expect(event).toEqual(cost);
    expect(summary).toMatchObject({ cost, usageDifferences: expect.any(Array) });
    expect(record).toMatchObject({ jobId, status: 'completed', rows: { total: 1 }, ...cost });
    expect(records).toEqual([
      expect.stringMatching(`^_batchdrop/costs/date=\\d{4}-\\d\\d-\\d\\d/${jobId}.json$`),
    ]);
  });

  it('is unknown with a model that has no price, whose tokens are shown all the same', async () => {
    const { cost, raw } = await run([
      { r1: { tokens: [9, 0, 0, 2] }, r2: { tokens: [5, 0, 0, 1], model: 'my-own' } },
    ]);
    expect(costByHand(raw).list).toBeUndefined();
    expect(cost).toMatchObject({
      list: null,
      paid: null,
      models: [
        { model: 'gpt-4o-mini', paid: '0.000001275' },
        { model: 'my-own', inputTokens: 5, outputTokens: 1, list: null, paid: null },
      ],
    });
  });

  it('is unknown if a row succeeded without any report of its tokens', async () => {
    const { cost } = await run([{ r1: {}, r2: { tokens: [9, 0, 0, 2] } }]);
    expect(cost).toMatchObject({ list: null, paid: null, rowsWithoutUsage: 1 });
  });

  it('has the discount that is set', async () => {
    const { cost } = await run([{ r1: { tokens: [9, 0, 0, 2] } }], { ...PRICES, batchDiscount: 0 });
    expect(cost).toMatchObject({ list: '0.00000255', paid: '0.00000255' });
  });

  it('is told with both figures if the batch reports other tokens than its rows', async () => {
    const { summary, log } = await run([{ r1: { tokens: [9, 0, 0, 2] } }]);
    const difference = { rows: { input: 9, output: 2 }, batch: { input: 10, output: 5 } };
    expect(summary).toMatchObject({ usageDifferences: [difference] });
    expect(log).toContainEqual(expect.objectContaining({ code: 'usage_differs' }));
  });
});
