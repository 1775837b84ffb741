import { describe, expect, it } from 'vitest';
import { BilledTokens } from '../../../functions/deliver/part/billed-tokens.ts';
import { type ResultLineHandler, ResultLines } from '../../../functions/deliver/part/result-lines.ts';
import { PriceList } from '../../../functions/shared/domain/money/price-list.ts';
import { MAX_MODELS, NO_TOKENS, OTHER_MODELS } from '../../../functions/shared/domain/money/token-counts.ts';
import { readResultLine } from '../../../functions/shared/result-lines/result-line.ts';
import type { RowTokens } from '../../../functions/shared/result-lines/row-tokens.ts';

const prices = new PriceList().at(Date.UTC(2026, 10, 29));
const billedTokens = () => new BilledTokens('gpt-4o-mini', prices);
const tokens = (given: Partial<RowTokens>): RowTokens => ({ ...NO_TOKENS, ...given });

/** What both readers, the scanner and JSON.parse, say of the tokens of a line with this usage. */
function tokensOf(usage: unknown, body: object = {}): RowTokens | undefined {
  const line = JSON.stringify({
    custom_id: 'a',
    response: { status_code: 200, body: { ...body, usage } },
    error: null,
  });
  const scanned: (RowTokens | undefined)[] = [];
  const handler: ResultLineHandler = {
    result: (_, result) => scanned.push(result?.tokens),
    overlong: () => expect.unreachable(),
  };
  const lines = new ResultLines(handler);
  lines.push(Buffer.from(`${line}\n`));
  lines.end();
  expect(scanned).toEqual([readResultLine(Buffer.from(line))?.tokens]);
  return scanned[0];
}

describe('the tokens of a result line', () => {
  it('are read in the words of chat completions', () => {
    const usage = {
      prompt_tokens: 100,
      completion_tokens: 20,
      total_tokens: 120,
      prompt_tokens_details: { cached_tokens: 64, cache_write_tokens: 8, audio_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 12, audio_tokens: 0 },
    };
    expect(tokensOf(usage, { model: 'gpt-4o-mini-2024-07-18' })).toEqual(
      tokens({
        model: 'gpt-4o-mini-2024-07-18',
        input: 100,
        cachedInput: 64,
        cacheWrites: 8,
        output: 20,
        reasoning: 12,
      }),
    );
  });

  it('are read in the words of responses', () => {
    const usage = {
      input_tokens: 30,
      input_tokens_details: { cached_tokens: 10, cache_write_tokens: 5 },
      output_tokens: 7,
      output_tokens_details: { reasoning_tokens: 2 },
    };
    expect(tokensOf(usage)).toEqual(
      tokens({ input: 30, cachedInput: 10, cacheWrites: 5, output: 7, reasoning: 2 }),
    );
  });

  it('of embeddings have no output', () => {
    expect(tokensOf({ prompt_tokens: 9, total_tokens: 9 })).toEqual(tokens({ input: 9 }));
  });

  it.each([
    ['audio', { prompt_tokens: 9, prompt_tokens_details: { audio_tokens: 4 } }, 4],
    ['spoken output', { completion_tokens: 9, completion_tokens_details: { audio_tokens: 3 } }, 3],
    ['images', { input_tokens: 9, input_tokens_details: { image_tokens: 6, text_tokens: 3 } }, 6],
  ])('tell %s apart, which has a price of its own', (_, usage, media) => {
    expect(tokensOf(usage)?.media).toBe(media);
  });

  it.each([
    ['no usage', undefined],
    ['null', null],
    ['a text', 'much'],
    ['a list', [1, 2]],
    ['no counts', { total_tokens: 9 }],
    ['a fraction', { prompt_tokens: 1.5 }],
    ['a number below 0', { prompt_tokens: -1 }],
    ['a text as count', { prompt_tokens: '12' }],
    ['more than can be counted', { prompt_tokens: 1e300 }],
  ])('are absent with %s', (_, usage) => {
    expect(tokensOf(usage)).toBeUndefined();
  });

  it('are read all the same if only the details are damaged', () => {
    expect(tokensOf({ prompt_tokens: 9, prompt_tokens_details: 'none', completion_tokens: null })).toEqual(
      tokens({ input: 9 }),
    );
  });

  it('of more than nine digits are read, too', () => {
    expect(tokensOf({ prompt_tokens: 12_345_678_901 })?.input).toBe(12_345_678_901);
  });
});

describe('billed tokens', () => {
  it('count a failed row that used tokens', () => {
    const billed = billedTokens();
    billed.failed(0, tokens({ input: 10 }));
    billed.succeeded(1, tokens({ input: 5, output: 2 }));
    expect(billed.billed()).toEqual({
      tokens: [{ ...NO_TOKENS, model: 'gpt-4o-mini', rows: 2, input: 15, output: 2 }],
      rowsWithoutUsage: 0,
    });
  });

  it('count a row once if a line says that it succeeded after another said that it failed', () => {
    const billed = billedTokens();
    billed.failed(0, tokens({ input: 10 }));
    billed.succeeded(0, tokens({ input: 10, output: 4 }));
    expect(billed.billed().tokens).toMatchObject([{ rows: 1, input: 10, output: 4 }]);
  });

  it('use the failed line of a row if its better line reports no tokens', () => {
    const billed = billedTokens();
    billed.failed(0, tokens({ input: 10 }));
    billed.succeeded(0, undefined);
    expect(billed.billed()).toMatchObject({ tokens: [{ rows: 1, input: 10 }], rowsWithoutUsage: 0 });
  });

  it('name the rows that report none', () => {
    const billed = billedTokens();
    billed.succeeded(0, undefined);
    billed.succeeded(1, tokens({ input: 1 }));
    expect(billed.billed()).toMatchObject({ tokens: [{ rows: 1 }], rowsWithoutUsage: 1 });
  });

  it('of each model are summed apart, up to a number of models', () => {
    const billed = billedTokens();
    for (let row = 0; row < MAX_MODELS + 5; row += 1)
      billed.succeeded(row, tokens({ model: `m${row}`, input: 1 }));
    const sums = billed.billed().tokens;
    expect(sums).toHaveLength(MAX_MODELS + 1);
    expect(sums.find(({ model }) => model === OTHER_MODELS)).toMatchObject({ rows: 5, input: 5 });
    expect(prices.of(OTHER_MODELS)).toBeUndefined();
  });
});
