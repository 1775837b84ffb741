import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { createOpenAiBatchApi } from '../../../functions/shared/adapters/openai/batch-api.ts';
import { DETAIL_TYPE } from '../../../functions/shared/contract/events.ts';
import { promptTokens } from '../../../local/openai/answers/text-tokens.ts';
import { readAudit } from '../../../local/openai/audit-log.ts';
import { startBatchApi } from '../../../local/openai/server.ts';
import { jsonl } from '../../openai/batch-api-under-test.ts';
import { MINUTE, SmallWorld } from '../../unit/small-world.ts';

const QUESTION = 'What is it? '.repeat(300); // long, so that the rest of a row hardly counts
const MODEL = 'gpt-4o-mini';
const ROWS = Array.from({ length: 160 }, (_, n) => {
  const body = { model: MODEL, messages: [{ role: 'user', content: QUESTION }] };
  return { custom_id: `row-${n}`, method: 'POST', url: '/v1/chat/completions', body };
});
const FILE = jsonl(ROWS);

const TOKENS = ROWS.reduce((sum, { body }) => sum + promptTokens(body), 0); // counted as the server counts

/**
 * Returns the functions with the local Batch API server over HTTP. Its limit of enqueued tokens is not configured here.
 */
async function worldAtServer(enqueuedTokens: number) {
  const world = new SmallWorld();
  const directory = await mkdtemp(join(tmpdir(), 'batchdrop-unknown-limit-'));
  const timing = { validating: () => 10_000, inProgress: () => 2 * MINUTE, finalizing: () => 10_000 };
  const server = await startBatchApi({ directory, clock: world.clock, timing, limits: { enqueuedTokens } });
  onTestFinished(async () => {
    await server.close();
    await rm(directory, { recursive: true, force: true });
  });
  const key = async () => ({ apiKey: 'sk-local' });
  const keys = { current: key, refresh: key };
  world.ports.api = createOpenAiBatchApi({ baseUrl: server.url, keys });
  return { world, billed: () => readAudit(directory).filter(({ event }) => event === 'row.billed') };
}

/** Returns the batches that the API refused, and those of them that were created after it had stated the limit. */
function refusals(world: SmallWorld, named: number) {
  const refused = world.bus
    .published()
    .flatMap(({ detailType, detail }) =>
      detailType === DETAIL_TYPE.batchStatusChange && detail.data.status === 'failed' ? [detail.data] : [],
    );
  return {
    all: refused.length,
    late: refused.filter(({ createdAt }) => Date.parse(createdAt) > named).length,
  };
}

/** Runs the file to its end. `plannedWith`: a limit that is set only while the file is planned. */
async function run(plannedWith: Record<string, number> = {}) {
  const limit = Math.ceil(TOKENS / 8);
  const { world, billed } = await worldAtServer(limit);
  world.ports.limits.enqueuedTokens = plannedWith;
  const jobId = await world.drop('large.jsonl', FILE);
  world.ports.limits.enqueuedTokens = {};
  await world.rest();
  expect(world.job(jobId)).toMatchObject({
    status: 'completed',
    rows: { total: ROWS.length, succeeded: ROWS.length },
  });
  expect(billed()).toHaveLength(ROWS.length);
  expect(world.lines(`${jobId}/output.jsonl`).map(({ custom_id: id }) => id)).toEqual(
    ROWS.map(({ custom_id: id }) => id),
  );
  const [learned, ...others] = (await world.ledger.readAdmissions()).learned ?? [];
  expect(others).toEqual([]);
  expect(learned).toMatchObject({ name: MODEL, counts: 'tokens', models: [MODEL], limit });
  expect(learned?.said).toContain('Enqueued token limit reached');
  return { parts: world.parts(jobId), ...refusals(world, learned?.at ?? 0) };
}

it('a file of 8 times an unknown limit, as one part, runs in slices', { timeout: 120_000 }, async () => {
  const { parts, all, late } = await run();
  expect(parts).toHaveLength(1);
  expect({ all, late }).toEqual({ all: 1, late: 0 });
});

it('a file of 8 times an unknown limit, as 32 parts, runs as capacity becomes free', {
  timeout: 120_000,
}, async () => {
  const { parts, all, late } = await run({ [MODEL]: Math.ceil(FILE.length / 4 / 15) });
  expect(parts).toHaveLength(32);
  expect(all).toBeGreaterThan(0);
  expect(late).toBeLessThanOrEqual(2);
});
