/** Ten jobs of three teams against the budget of a day: what ran when, and what it did cost. */
import { expect, it } from 'vitest';
import { amountOf, decimalOf } from '../../../functions/shared/domain/money/amount.ts';
import { jsonl } from '../../openai/batch-api-under-test.ts';
import { closeWorldsAtTheEnd, worldWith } from './situation-world.ts';

closeWorldsAtTheEnd();

const MODEL = 'gpt-4o-mini';
/** $0.01 for a token in, $0.02 for a token out. */
const PRICES = { models: { [MODEL]: { input: 20_000, output: 40_000 } }, batchDiscount: 0.5 };
const IN = 10n ** 10n;
const OUT = 2n * IN;
const money = (decimal: string) => amountOf(decimal) ?? 0n;

const TEAMS = ['search', 'ads', 'billing'] as const;
const DAY_MINUTES = 24 * 60;

/** Rows of about as many tokens as characters divided by four. */
function fileOf(team: string, rows: number): string {
  const row = (n: number) => ({
    custom_id: `${team}-${n}`,
    method: 'POST',
    url: '/v1/chat/completions',
    body: {
      model: MODEL,
      messages: [{ role: 'user', content: `${team} asks question number ${n}: ${'why '.repeat(20)}` }],
      max_tokens: 40,
    },
  });
  return jsonl(Array.from({ length: rows }, (_, n) => row(n)));
}

it('ten jobs of three teams run within the budget of each day, to the cent', async () => {
  const limits = {
    budget: {
      all: { day: money('25') },
      by: 'team',
      each: { search: { day: money('18') } },
      others: { day: money('12') },
    },
    shares: { by: 'team', weights: { search: 2, '*': 1 } },
  };
  const { world, audit } = await worldWith([], { settings: { limits, prices: PRICES } });
  const jobs = new Map<string, string>();
  for (let n = 0; n < 10; n += 1) {
    const team = TEAMS[n % TEAMS.length] ?? '';
    const jobId = await world.drop(`${n}.jsonl`, fileOf(team, 3), { 'batch-team': team });
    jobs.set(jobId, `${team} ${n}`);
    world.clock.advance(1_000);
  }
  await world.work();
  await world.rest(5 * DAY_MINUTES);

  // What the server billed, from its own audit log.
  const jobOf = new Map(
    audit('batch.created').map(({ batchId, metadata }) => [batchId, metadata?.batchdrop_job]),
  );
  const startOf = new Map(world.ledger.parts().map((part) => [part.jobId, part.admission?.at ?? 0]));
  const billed = new Map<string, bigint>();
  for (const { batchId, inputTokens, outputTokens } of audit('row.billed')) {
    const jobId = jobOf.get(batchId) ?? '';
    billed.set(jobId, (billed.get(jobId) ?? 0n) + BigInt(inputTokens) * IN + BigInt(outputTokens) * OUT);
  }
  const ran = [...jobs]
    .map(([jobId, name]) => ({ jobId, name, at: startOf.get(jobId) ?? 0, cost: billed.get(jobId) ?? 0n }))
    .sort((a, b) => a.at - b.at);
  for (const { jobId, cost } of ran) {
    expect(world.job(jobId).status).toBe('completed');
    expect(world.job(jobId).cost?.paid).toBe(decimalOf(cost));
  }
  const spent = new Map<string, bigint>();
  for (const { name, at, cost } of ran)
    for (const purse of ['all', name.split(' ')[0] === 'search' ? 'search' : 'others']) {
      const key = `${new Date(at).toISOString().slice(0, 10)} ${purse}`;
      spent.set(key, (spent.get(key) ?? 0n) + cost);
    }
  // When batches end depends on the server; the two that the others cannot pay for on the first day follow on the next.
  const names = ran.map(({ name }) => name.replace(/ads|billing/, 'others').split(' ')[0]);
  expect(ran.slice(0, 3).map(({ name }) => name)).toEqual(['search 0', 'ads 1', 'search 3']);
  expect(names.slice(8)).toEqual(['others', 'others']);
  const days = [...spent].map(([key, sum]) => `${key} ${decimalOf(sum)}`).sort();
  expect(days).toEqual([
    expect.stringMatching(/^2026-11-01 all 18\.(87|90|93)$/),
    expect.stringMatching(/^2026-11-01 others 9\.(39|42|45)$/),
    '2026-11-01 search 9.48',
    expect.stringMatching(/^2026-11-02 all 4\.(68|71|74)$/),
    expect.stringMatching(/^2026-11-02 others 4\.(68|71|74)$/),
  ]);
});
