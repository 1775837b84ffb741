import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { createOpenAiBatchApi } from '../../../functions/shared/adapters/openai/batch-api.ts';
import { DETAIL_TYPE } from '../../../functions/shared/contract/events.ts';
import { readAudit } from '../../../local/openai/audit-log.ts';
import { promptTokens } from '../../../local/openai/batches/fake-completions.ts';
import type { JsonObject } from '../../../local/openai/batches/request-row.ts';
import { startBatchApi } from '../../../local/openai/server.ts';
import { jsonl } from '../../openai/batch-api-under-test.ts';
import { MINUTE, SmallWorld } from '../../unit/small-world.ts';

const QUESTION = 'What is it? '.repeat(300); // long, so that the rest of a row hardly counts
const CHAT = Array.from({ length: 160 }, (_, n) => {
  const body = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: QUESTION }] };
  return { custom_id: `row-${n}`, method: 'POST', url: '/v1/chat/completions', body };
});
/** Each needs a batch of its own: two have more inputs than one batch may have. */
const EMBEDDINGS = Array.from({ length: 32 }, (_, n) => {
  const body = { model: 'text-embedding-3-small', input: Array.from({ length: 30_000 }, () => 'a') };
  return { custom_id: `row-${n}`, method: 'POST', url: '/v1/embeddings', body };
});

/** Counted as the server does. */
const tokensOf = (rows: { body: JsonObject }[]) =>
  rows.reduce((sum, { body }) => sum + promptTokens(body), 0);

/** The functions with the local Batch API server over HTTP, whose limit of enqueued tokens nobody has set here. */
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
  world.ports.api = createOpenAiBatchApi({ baseUrl: server.url, keys, silenceMs: 30_000 });
  return { world, billed: () => readAudit(directory).filter(({ event }) => event === 'row.billed') };
}

/** The batches that the API refused, and of them those that were created after it had named the limit. */
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

async function run(rows: { custom_id: string; body: JsonObject }[]) {
  const limit = Math.ceil(tokensOf(rows) / 8);
  const { world, billed } = await worldAtServer(limit);
  const jobId = await world.drop('large.jsonl', jsonl(rows));
  await world.rest();
  expect(world.job(jobId)).toMatchObject({
    status: 'completed',
    rows: { total: rows.length, succeeded: rows.length },
  });
  expect(billed()).toHaveLength(rows.length);
  expect(world.lines(`${jobId}/output.jsonl`).map(({ custom_id: id }) => id)).toEqual(
    rows.map(({ custom_id: id }) => id),
  );
  const [learned, ...others] = (await world.ledger.readAdmissions()).learned ?? [];
  expect(others).toEqual([]);
  expect(learned).toMatchObject({ counts: 'tokens', limit });
  expect(learned?.said).toContain('Enqueued token limit reached');
  return { world, parts: world.parts(jobId), learned };
}

it('a file of 8 times an unknown limit, as one part, runs in slices', { timeout: 120_000 }, async () => {
  const { world, parts, learned } = await run(CHAT);
  expect(parts).toHaveLength(1);
  expect(learned).toMatchObject({ name: 'gpt-4o-mini', models: ['gpt-4o-mini'] });
  expect(refusals(world, learned?.at ?? 0)).toEqual({ all: 1, late: 0 });
});

it('a file of 8 times an unknown limit, as 32 parts, runs as there is capacity', {
  timeout: 120_000,
}, async () => {
  const { world, parts, learned } = await run(EMBEDDINGS);
  expect(parts).toHaveLength(32);
  expect(learned).toMatchObject({ name: 'text-embedding-3-small' });
  const { all, late } = refusals(world, learned?.at ?? 0);
  expect(all).toBeGreaterThan(0);
  expect(late).toBeLessThanOrEqual(2);
});
