import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { createOpenAiBatchApi } from '../../../functions/shared/adapters/openai/batch-api.ts';
import { type BatchStatusChangeData, DETAIL_TYPE } from '../../../functions/shared/contract/events.ts';
import type { BatchLimits } from '../../../functions/shared/domain/waiting/batch-limits.ts';
import { promptTokens } from '../../../local/openai/answers/text-tokens.ts';
import { readAudit } from '../../../local/openai/audit-log.ts';
import { startBatchApi } from '../../../local/openai/server.ts';
import { jsonl } from '../../openai/batch-api-under-test.ts';
import { MINUTE, SmallWorld } from '../../unit/small-world.ts';

const JOBS = 10;
const QUESTION = 'What is it? '.repeat(300); // long, so that the rest of a row hardly counts
const ROWS = Array.from({ length: 20 }, (_, n) => longRow(`row-${n}`));
const FILE = jsonl(ROWS);
const TOKENS = ROWS.reduce((sum, { body }) => sum + promptTokens(body), 0); // counted as the server counts

function longRow(customId: string) {
  const body = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: QUESTION }] };
  return { custom_id: customId, method: 'POST', url: '/v1/chat/completions', body };
}

/** Returns the functions with the local Batch API server over HTTP, with a limit of enqueued tokens. */
async function worldAtServer(enqueuedTokens: number, limits: Partial<BatchLimits> = {}) {
  const world = new SmallWorld({ limits });
  const directory = await mkdtemp(join(tmpdir(), 'batchdrop-token-limit-'));
  const timing = { validating: () => 10_000, inProgress: () => 20 * MINUTE, finalizing: () => 10_000 };
  const server = await startBatchApi({ directory, clock: world.clock, timing, limits: { enqueuedTokens } });
  onTestFinished(async () => {
    await server.close();
    await rm(directory, { recursive: true, force: true });
  });
  const key = async () => ({ apiKey: 'sk-local' });
  const keys = { current: key, refresh: key };
  world.ports.api = createOpenAiBatchApi({ baseUrl: server.url, keys });
  const jobs: string[] = [];
  for (let n = 0; n < JOBS; n += 1) {
    jobs.push(await world.drop(`${n}.jsonl`, FILE));
    world.clock.advance(1_000);
  }
  return { world, jobs, billed: () => readAudit(directory).filter(({ event }) => event === 'row.billed') };
}

function tokenLimitRejections(world: SmallWorld): BatchStatusChangeData[] {
  return world.bus
    .published()
    .flatMap((event) =>
      event.detailType === DETAIL_TYPE.batchStatusChange && event.detail.data.status === 'failed'
        ? [event.detail.data]
        : [],
    );
}

/** Returns the largest number of batches in progress at the same time, by their events. */
function mostAtOnce(world: SmallWorld): number {
  const running = new Set<string>();
  let most = 0;
  for (const { detailType, detail } of world.bus.published()) {
    if (detailType !== DETAIL_TYPE.batchStatusChange) continue;
    if (detail.data.status === 'in_progress') running.add(detail.data.batchId);
    else running.delete(detail.data.batchId);
    most = Math.max(most, running.size);
  }
  return most;
}

function expectAllDone(world: SmallWorld, jobs: string[]): void {
  for (const jobId of jobs) {
    expect(world.jobStatuses(jobId)).toEqual(['accepted', 'submitted', 'completed']);
    expect(world.job(jobId).rows).toMatchObject({ total: ROWS.length, succeeded: ROWS.length });
  }
}

it('ten jobs complete on an account with capacity for two', { timeout: 120_000 }, async () => {
  const { world, jobs, billed } = await worldAtServer(2 * TOKENS);
  await world.rest();
  expectAllDone(world, jobs);
  expect(billed()).toHaveLength(JOBS * ROWS.length);
  const events = tokenLimitRejections(world);
  expect(events.length).toBeGreaterThanOrEqual(JOBS - 2); // they were all sent at the same time
  for (const { willRetry, waiting } of events) {
    expect(willRetry).toBe(true);
    expect(waiting?.position).toBeGreaterThanOrEqual(1);
  }
  expect(Math.max(...events.map(({ waiting }) => waiting?.position ?? 0))).toBe(JOBS - 2);
});

it('none of them is rejected if Batchdrop knows the limit', { timeout: 120_000 }, async () => {
  const { world, jobs, billed } = await worldAtServer(2.2 * TOKENS, {
    enqueuedTokens: { 'gpt-4o-mini': 2.2 * TOKENS },
  });
  await world.rest();
  expectAllDone(world, jobs);
  expect(tokenLimitRejections(world)).toEqual([]);
  expect(billed()).toHaveLength(JOBS * ROWS.length);
  expect(mostAtOnce(world)).toBe(2);
  const measured = (await world.ledger.readAdmissions()).measured['gpt-4o-mini'];
  expect(measured?.tokens).toBe(JOBS * TOKENS);
});

it('a file with many times the enqueued limit is split and completes', {
  timeout: 120_000,
}, async () => {
  const limit = TOKENS;
  const { world } = await worldAtServer(limit, { enqueuedTokens: { 'gpt-4o-mini': limit } });
  const large = jsonl(Array.from({ length: 8 * ROWS.length }, (_, n) => longRow(`row-${n}`)));
  const jobId = await world.drop('large.jsonl', large);
  await world.rest();
  expect(world.job(jobId)).toMatchObject({ status: 'completed', rows: { succeeded: 8 * ROWS.length } });
  expect(world.parts(jobId).length).toBeGreaterThanOrEqual(16);
  expect(tokenLimitRejections(world)).toEqual([]);
  expect(mostAtOnce(world)).toBe(2);
  const ids = world.lines(`${jobId}/output.jsonl`).map(({ custom_id: id }) => id);
  expect(ids).toEqual(Array.from({ length: 8 * ROWS.length }, (_, n) => `row-${n}`));
});

it('a row that never fits the limit delays no other job', {
  timeout: 120_000,
}, async () => {
  const { world, jobs } = await worldAtServer(TOKENS);
  const body = {
    model: 'gpt-4o-mini',
    messages: [{ role: 'user', content: QUESTION.repeat(ROWS.length + 1) }],
  };
  const large = await world.drop('large.jsonl', jsonl([{ ...longRow('too long'), body }]));
  const last = await world.drop('last.jsonl', FILE);
  for (let minute = 0; minute < 3_000 && world.job(last).status !== 'completed'; minute += 1)
    await world.pass(1);
  expectAllDone(world, [...jobs, last]);
  const warning = () => world.log.lines.find(({ code }) => code === 'refused_alone');
  for (let minute = 0; minute < 300 && warning() === undefined; minute += 1) await world.pass(1);
  expect(world.parts(large)[0]?.tokenLimitRejections).toBeGreaterThan(1);
  expect(world.metrics.of('RefusedAlone')).toContain(1);
  expect(warning()?.facts).toMatchObject({ jobId: large, reason: expect.stringContaining('Limit: ') });
  await world.cancel({ jobId: large });
  await world.rest();
  expect(world.job(large).status).toBe('cancelled');
});
