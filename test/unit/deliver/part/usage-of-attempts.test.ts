import { describe, expect, it } from 'vitest';
import { noteUsage, usageOf } from '../../../../functions/deliver/part/usage-of-attempts.ts';
import { type ModelTokens, NO_TOKENS } from '../../../../functions/shared/domain/money/token-counts.ts';
import { aBatch, aPart, DELIVERED, type PartFields } from '../../../contracts/samples.ts';
import { createRecordingLog } from '../../../fakes/recording-log.ts';
import { SmallWorld } from '../../small-world.ts';

const tokens = (input: number, output: number, rows = 3): ModelTokens => ({
  ...NO_TOKENS,
  model: 'm',
  rows,
  input,
  output,
});
const billed = (...all: ModelTokens[]) => ({ tokens: all, rowsWithoutUsage: 0 });

/** A part whose batch reports these tokens. */
function reporting(input: number, output: number, fields: PartFields = {}) {
  const usage = {
    inputTokens: input,
    cachedInputTokens: 0,
    outputTokens: output,
    reasoningTokens: 0,
    totalTokens: 0,
  };
  return aPart({ batch: aBatch({ status: 'completed', usage }), ...fields });
}

describe('what a part was billed for', () => {
  const log = createRecordingLog();
  const difference = (nth: number) => ({
    batchId: `b${nth}`,
    rows: { input: 1, output: 1 },
    batch: { input: 2, output: 2 },
  });

  it.each([
    ['the same', 30, 6, undefined],
    ['another input', 31, 6, { rows: { input: 30, output: 6 }, batch: { input: 31, output: 6 } }],
    ['another output', 30, 7, { rows: { input: 30, output: 6 }, batch: { input: 30, output: 7 } }],
    ['nothing', 0, 0, undefined],
  ])('is what its rows report, whether its batch reports %s', (_, input, output, expected) => {
    const before = log.lines.length;
    const usage = usageOf({ log }, reporting(input, output), billed(tokens(30, 6)));
    expect(usage.tokens).toEqual([tokens(30, 6)]);
    expect(usage.usageDifferences).toEqual(expected && [{ batchId: 'batch_1', ...expected }]);
    expect(log.lines.length - before).toBe(expected ? 1 : 0);
  });

  it('is the sum of its attempts, with the first five differences of all', () => {
    const again = { rows: 1, uploadBytes: 1 };
    const earlierResults = {
      ...DELIVERED,
      ...billed(tokens(10, 1)),
      usageDifferences: [1, 2, 3, 4, 5].map(difference),
      again,
    };
    const usage = usageOf({ log }, reporting(99, 9, { earlierResults }), billed(tokens(30, 6)));
    expect(usage.tokens).toEqual([tokens(40, 7, 6)]);
    expect(usage.usageDifferences).toEqual([1, 2, 3, 4, 5].map(difference));
  });

  it('has no difference without a batch', () => {
    const part = aPart({ ended: { as: 'failed', reason: { code: 'c', message: 'm' } } });
    expect(usageOf({ log }, part, billed())).toEqual({ tokens: [], rowsWithoutUsage: 0 });
  });
});

describe('what the rows used is noted for later estimates', () => {
  async function noted(part = aPart({ batch: aBatch({ status: 'completed' }) }), ...all: ModelTokens[]) {
    const world = new SmallWorld();
    await noteUsage(world.ports, part, billed(...all));
    return (await world.ledger.readControl()).measured?.map(({ model, input, output }) => ({
      model,
      input,
      output,
    }));
  }

  it('if the batch reports no tokens', async () => {
    // 1,190 bytes of three rows, of which 120 each are no content
    const all = { model: 'gpt-4o-mini', input: 100 / (1_190 - 360), output: 2 };
    expect(await noted(undefined, tokens(100, 6))).toMatchObject([
      { ...all, input: expect.closeTo(all.input, 4) },
    ]);
  });

  it('by as many rows as report tokens, short and long ones', async () => {
    const long = { ...NO_TOKENS, rows: 1, input: 60, output: 3 };
    const [one] = (await noted(undefined, { ...tokens(40, 1, 1), long })) ?? [];
    expect(one).toMatchObject({ output: 2, input: expect.closeTo(100 / ((1_190 * 2) / 3 - 240), 4) });
  });

  it('but not if the batch reports them, no row does, or there is no batch', async () => {
    expect(await noted(reporting(1, 0), tokens(100, 6))).toBeUndefined();
    expect(await noted(undefined)).toBeUndefined();
    expect(await noted(aPart({ phase: 'ready' }), tokens(100, 6))).toBeUndefined();
  });
});
