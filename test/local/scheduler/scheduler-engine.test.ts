import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Endpoint, startEndpoint } from '../../../local/aws/protocol/endpoint.ts';
import { SchedulerEngine } from '../../../local/aws/scheduler/engine.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';

const MINUTE_MS = 60_000;
const POLLER = 'arn:aws:lambda:us-east-1:000000000000:function:poll';
let directory: string;
let clock: ManualClock;
let scheduler: SchedulerEngine;
let endpoint: Endpoint;
let ticks: { arn: string; input: string; at: number }[];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'batchdrop-scheduler-'));
  clock = new ManualClock();
  ticks = [];
  await start();
});

afterEach(async () => {
  await stop();
  rmSync(directory, { recursive: true });
});

async function start() {
  scheduler = new SchedulerEngine({
    directory,
    clock,
    invoke: (arn, input) => ticks.push({ arn, input, at: clock.now() }),
  });
  endpoint = await startEndpoint({ services: [scheduler], port: 0 });
}

async function stop() {
  await endpoint.close();
  await scheduler.close();
}

const create = (expression = 'rate(1 minute)') =>
  scheduler.createSchedule({ name: 'poll', expression, target: { arn: POLLER, input: '{"tick":true}' } });

const call = (method: string, path: string, body?: object) =>
  fetch(`${endpoint.url}${path}`, {
    method,
    headers: { authorization: 'AWS4-HMAC-SHA256 Credential=k/20261121/us-east-1/scheduler/aws4_request, x' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });

describe('a schedule', () => {
  it.each([
    ['rate(1 minute)', MINUTE_MS],
    ['rate(5 minutes)', 5 * MINUTE_MS],
    ['rate(2 hours)', 120 * MINUTE_MS],
    ['rate(1 day)', 1440 * MINUTE_MS],
  ])('%s invokes its target at each interval', (expression, interval) => {
    const created = clock.now();
    create(expression);
    clock.advance(interval - 1);
    expect(ticks).toEqual([]);
    clock.advance(1 + 2 * interval);
    expect(ticks).toEqual(
      [1, 2, 3].map((count) => ({ arn: POLLER, input: '{"tick":true}', at: created + count * interval })),
    );
  });

  it.each(['cron(0 12 * * ? *)', 'rate(0 minutes)', 'rate(1 week)', 'every minute'])(
    '%s is refused',
    (expression) => {
      expect(() => create(expression)).toThrow(
        expect.objectContaining({
          code: 'ValidationException',
          message: expect.stringContaining(expression),
        }),
      );
    },
  );

  it('keeps its tick times after a restart, and skips missed ticks', async () => {
    const created = clock.now();
    create();
    await stop();
    clock.advance(3.5 * MINUTE_MS);
    await start();
    create();
    expect(ticks).toEqual([]);
    clock.advance(MINUTE_MS);
    expect(ticks.map((tick) => tick.at)).toEqual([created + 4 * MINUTE_MS]);
  });

  it('restarts its ticks if its rate has changed', async () => {
    create();
    await stop();
    clock.advance(MINUTE_MS / 2);
    await start();
    const recreated = clock.now();
    create('rate(2 minutes)');
    clock.advance(2 * MINUTE_MS);
    expect(ticks.map((tick) => tick.at)).toEqual([recreated + 2 * MINUTE_MS]);
  });
});

describe('the API', () => {
  it('lists and returns schedules', async () => {
    create();
    const { Schedules } = JSON.parse(await (await call('GET', '/schedules')).text());
    expect(Schedules).toMatchObject([{ Name: 'poll', State: 'ENABLED', Target: { Arn: POLLER } }]);
    expect(await (await call('GET', '/schedules/poll?groupName=default')).json()).toMatchObject({
      Name: 'poll',
      ScheduleExpression: 'rate(1 minute)',
      Target: { Arn: POLLER, Input: '{"tick":true}' },
    });
  });

  it('disables a schedule, which remains disabled after a restart, and enables it again', async () => {
    create();
    expect((await call('PUT', '/schedules/poll', { State: 'DISABLED' })).status).toBe(200);
    clock.advance(2 * MINUTE_MS);
    await stop();
    await start();
    create();
    clock.advance(2 * MINUTE_MS);
    expect(ticks).toEqual([]);
    await call('PUT', '/schedules/poll', { State: 'ENABLED', ScheduleExpression: 'rate(1 minute)' });
    clock.advance(MINUTE_MS);
    expect(ticks).toHaveLength(1);
  });

  it.each([
    ['GET', '/schedules/unknown', undefined, 404, 'ResourceNotFoundException'],
    ['PUT', '/schedules/poll', { ScheduleExpression: 'rate(9 minutes)' }, 400, 'ValidationException'],
    ['PUT', '/schedules/poll', { State: 'PAUSED' }, 400, 'ValidationException'],
    ['POST', '/schedules/new', {}, 501, 'NotImplemented'],
    ['DELETE', '/schedules/poll', undefined, 501, 'NotImplemented'],
  ])('%s %s %j returns %i %s', async (method, path, body, status, code) => {
    create();
    const answer = await call(method, path, body);
    expect([answer.status, answer.headers.get('x-amzn-errortype')]).toEqual([status, code]);
  });
});
