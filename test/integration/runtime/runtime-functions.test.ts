import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../local/clock.ts';
import { invokeAsynchronously } from '../../../local/lambda/asynchronous-invocation.ts';
import { functionEnvironment } from '../../../local/lambda/function-environment.ts';
import type { FunctionSpec } from '../../../local/lambda/function-spec.ts';
import { LambdaFunction } from '../../../local/lambda/lambda-function.ts';

const START = Date.parse('2031-05-06T07:08:09Z');
const closing: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** Returns a function with the CommonJS bundle `source`, its log and its reported problems. */
function functionOf(source: string, spec: Partial<FunctionSpec> = {}, speed = 1) {
  const directory = mkdtempSync(join(tmpdir(), 'batchdrop-function-'));
  writeFileSync(join(directory, 'index.js'), source);
  const clock = new VirtualClock({ speed, start: START });
  const problems: string[] = [];
  const whole: FunctionSpec = {
    name: 'tiny',
    arn: 'arn:aws:lambda:us-east-1:000000000000:function:tiny',
    codeDirectory: directory,
    handler: 'index.handler',
    memoryMb: 128,
    timeoutSeconds: 30,
    logGroup: '/aws/lambda/tiny',
    environment: {},
    asynchronous: { retries: 2, maxEventAgeSeconds: 21_600 },
    ...spec,
  };
  const lambda = new LambdaFunction(whole, {
    environment: functionEnvironment(whole, {
      endpointUrl: 'http://127.0.0.1:1',
      credentials: { accessKeyId: 'LOCALTiny', secretAccessKey: 'local' },
    }),
    clock,
    logDirectory: join(directory, 'logs'),
    mayLog: () => true,
    onProblem: (problem) => problems.push(problem),
  });
  closing.push(
    () => rmSync(directory, { recursive: true, force: true }),
    () => clock.close(),
    () => lambda.close(),
  );
  const log = () =>
    readFileSync(join(directory, 'logs', 'tiny.log'), 'utf8')
      .trim()
      .split('\n');
  return { lambda, clock, problems, log };
}

describe('a function process', () => {
  it('handles events one after the other and stays warm', async () => {
    const { lambda } = functionOf(
      'let n = 0; exports.handler = async (event) => ({ pid: process.pid, n: ++n, event });',
    );
    const first = await lambda.invoke({ a: 1 });
    const second = await lambda.invoke({ a: 2 });
    const [pid] = lambda.pids;
    expect(first).toEqual({ pid, n: 1, event: { a: 1 } });
    expect(second).toEqual({ pid, n: 2, event: { a: 2 } });
  });

  it('runs concurrent invocations in separate processes', async () => {
    const { lambda } = functionOf(`
      const { appendFileSync, readFileSync } = require('node:fs');
      exports.handler = async () => {
        appendFileSync('begun', 'x');
        while (readFileSync('begun', 'utf8').length < 3) await new Promise((resolve) => setTimeout(resolve, 20));
        return process.pid;
      };`);
    const pids = await Promise.all([lambda.invoke({}), lambda.invoke({}), lambda.invoke({})]);
    expect(new Set(pids).size).toBe(3);
  });

  it('has the variables of the template and of Lambda, and none of the shell', async () => {
    process.env.OPENAI_API_KEY = 'sk-of-the-shell';
    closing.push(() => void delete process.env.OPENAI_API_KEY);
    const { lambda } = functionOf('exports.handler = async () => process.env;', {
      environment: { LEDGER_TABLE: 'ledger' },
    });
    const environment = await lambda.invoke({});
    expect(environment).toMatchObject({
      LEDGER_TABLE: 'ledger',
      AWS_LAMBDA_FUNCTION_NAME: 'tiny',
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'LOCALTiny',
      AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
    });
    expect(
      Object.keys(Object(environment))
        .filter((name) => !/^(AWS_|_HANDLER|LAMBDA_)/.test(name))
        .sort(),
    ).toEqual(['LANG', 'LEDGER_TABLE', 'TZ']);
  });

  it('has the time of the runtime in every Date function', async () => {
    const { lambda } = functionOf(`
      exports.handler = async () => ({
        now: Date.now(), made: new Date().getTime(), text: Date(), given: new Date(0).toISOString(),
        isDate: new Date() instanceof Date, own: new Date().constructor === Date,
      });`);
    const seen = Object(await lambda.invoke({}));
    const soon = START + 60_000;
    expect(seen.now).toBeGreaterThanOrEqual(START);
    expect(seen.now).toBeLessThan(soon);
    expect(seen.made).toBeGreaterThanOrEqual(START);
    expect(seen.made).toBeLessThan(soon);
    expect(seen.text).toContain('May 06 2031');
    expect(seen).toMatchObject({ given: '1970-01-01T00:00:00.000Z', isDate: true, own: true });
  });

  it("sees time at normal speed while it computes, but for its first moments, although the runtime's clock is fast", async () => {
    const { lambda } = functionOf(
      `exports.handler = async () => {
        const wall = performance.now(); const start = Date.now();
        await new Promise((resolve) => setTimeout(resolve, 1_500));
        return { passed: Date.now() - start, wall: performance.now() - wall };
      };`,
      {},
      10_000,
    );
    await lambda.invoke({});
    const { passed, wall } = Object(await lambda.invoke({}));
    // At the runtime's speed, 1.5 s would be four hours. In the first half second it is thirty times as fast.
    expect(passed).toBeGreaterThan(wall + 8_300);
    expect(passed).toBeLessThan(wall + 20_700); // 14.5 s, and 0.2 s of a busy machine
  });

  it('has the time of the runtime while the rate changes, and it never goes backwards', async () => {
    const { lambda, clock } = functionOf(
      `exports.handler = async () => {
        const seen = [];
        for (let n = 0; n < 100; n++) {
          await new Promise((resolve) => setTimeout(resolve, 10));
          seen.push({ wall: performance.timeOrigin + performance.now(), time: Date.now() });
        }
        return seen;
      };`,
      {},
      10_000,
    );
    await lambda.invoke({});
    const runtime: { wall: number; time: number }[] = [];
    const watching = setInterval(() => {
      runtime.push({ wall: performance.timeOrigin + performance.now(), time: clock.now() });
    }, 5);
    const more = setInterval(() => {
      const holds = [clock.hold(), clock.hold(), clock.hold()];
      setTimeout(() => {
        for (const release of holds) release();
      }, 30);
    }, 70);
    const seen: { wall: number; time: number }[] = Object(await lambda.invoke({}));
    clearInterval(watching);
    clearInterval(more);
    expect(seen).toHaveLength(100);
    expect(seen.map(({ time }) => time)).toEqual(seen.map(({ time }) => time).sort((a, b) => a - b));
    for (const { wall, time } of seen) {
      const near = runtime.filter((each) => Math.abs(each.wall - wall) < 100).map((each) => each.time);
      if (near.length === 0) continue; // the machine was busy
      expect(time).toBeGreaterThan(Math.min(...near) - 1_000);
      expect(time).toBeLessThan(Math.max(...near) + 1_000);
    }
  });

  it('gets a context with its request id, its name and the time it has left', async () => {
    const { lambda } = functionOf(
      `exports.handler = async (event, context) => ({ ...context, left: context.getRemainingTimeInMillis() });`,
      { timeoutSeconds: 20, memoryMb: 192 },
    );
    const context = Object(await lambda.invoke({}));
    expect(context).toMatchObject({
      functionName: 'tiny',
      memoryLimitInMB: '192',
      invokedFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:tiny',
    });
    expect(context.awsRequestId).toMatch(/^[0-9a-f-]{36}$/);
    expect(context.left).toBeGreaterThan(0);
    expect(context.left).toBeLessThanOrEqual(20_000);
  });
});

describe('an invocation that fails', () => {
  it('by throwing, reports the error and keeps the process', async () => {
    const { lambda, problems, log } = functionOf(`
      exports.handler = async (event) => { if (event.bad) throw new TypeError('no such thing'); return process.pid; };`);
    await expect(lambda.invoke({ bad: true })).rejects.toMatchObject({
      kind: 'threw',
      message: 'tiny: TypeError: no such thing',
    });
    const [pid] = lambda.pids;
    expect(await lambda.invoke({})).toBe(pid);
    expect(problems).toEqual([expect.stringMatching(/^tiny: TypeError: no such thing; see .*tiny\.log$/)]);
    await lambda.close();
    expect(log().map((line) => JSON.parse(line))).toContainEqual(
      expect.objectContaining({ code: 'handler_threw', name: 'TypeError', message: 'no such thing' }),
    );
  });

  it('by a crash, is reported in one line, and the next one gets a new process', async () => {
    const { lambda, problems } = functionOf(`
      exports.handler = async (event) => { if (event.bad) process.abort(); return process.pid; };`);
    await lambda.invoke({});
    const [before] = lambda.pids;
    await expect(lambda.invoke({ bad: true })).rejects.toMatchObject({ kind: 'crashed' });
    expect(await lambda.invoke({})).not.toBe(before);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(
      /^tiny: its process ended \(SIGABRT\) during the invocation; see .*tiny\.log$/,
    );
  });

  it('by its time-out, is killed at once even if it blocks the thread', async () => {
    const { lambda, problems } = functionOf(
      `exports.handler = async (event) => { for (; event.bad; ); return process.pid; };`,
      { timeoutSeconds: 1 },
    );
    await lambda.invoke({});
    const [blocked] = lambda.pids;
    await expect(lambda.invoke({ bad: true })).rejects.toMatchObject({
      kind: 'timed_out',
      message: 'tiny: timed out after 1 s',
    });
    await expect.poll(() => isRunning(blocked), { timeout: 10_000 }).toBe(false);
    expect(await lambda.invoke({})).not.toBe(blocked);
    expect(problems).toHaveLength(1);
  });

  it('by using more memory than the template allows, is a crash', async () => {
    const { lambda } = functionOf(
      `exports.handler = async () => { const all = []; for (;;) all.push(Array.from({ length: 1000 }, () => ({}))); };`,
      { memoryMb: 128 },
    );
    await expect(lambda.invoke({})).rejects.toMatchObject({ kind: 'crashed' });
  });

  it.each([
    [
      `throw new Error('the environment lacks A_NAME');`,
      'its init failed: Error: the environment lacks A_NAME',
    ],
    ['process.exit(3);', 'its process ended before it was ready'],
  ])('before it was ready, by %s, is a crash with that message', async (source, says) => {
    const { lambda, problems } = functionOf(source);
    await expect(lambda.initialize()).rejects.toMatchObject({ kind: 'crashed', message: `tiny: ${says}` });
    await expect(lambda.invoke({})).rejects.toMatchObject({ kind: 'crashed', message: `tiny: ${says}` });
    expect(problems).toHaveLength(1);
  });

  it('asynchronously, is retried after one and two minutes, then abandoned', async () => {
    const { lambda, clock, log } = functionOf(
      `let n = 0; exports.handler = async () => { console.log(JSON.stringify({ at: Date.now() })); throw new Error('no'); };`,
      {},
      600,
    );
    await expect(invokeAsynchronously(lambda, {}, clock)).rejects.toMatchObject({ kind: 'threw' });
    await lambda.close();
    const tries: number[] = log().flatMap((line) => JSON.parse(line).at ?? []);
    expect(tries).toHaveLength(3);
    expect(Number(tries[1]) - Number(tries[0])).toBeGreaterThanOrEqual(60_000);
    expect(Number(tries[2]) - Number(tries[1])).toBeGreaterThanOrEqual(120_000);
  });
});

describe('the end of a runtime', () => {
  it('ends every process, even a busy one', async () => {
    const { lambda, log } = functionOf(
      `exports.handler = () => { console.log('at work'); return new Promise(() => {}); };`,
    );
    const invocation = expect(lambda.invoke({})).rejects.toMatchObject({ kind: 'crashed' });
    await expect.poll(log, { timeout: 10_000 }).toContainEqual(expect.stringContaining('at work'));
    const pids = lambda.pids;
    await lambda.close();
    await invocation;
    expect(pids.filter(isRunning)).toEqual([]);
  });
});

function isRunning(pid: number | undefined): boolean {
  if (pid === undefined) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
