import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createRandomIds } from '../../functions/shared/adapters/lambda/random-ids.ts';
import { handleEachRecord } from '../../functions/shared/adapters/sqs/records.ts';
import { defaultProvider } from '../../lib/bundling/left-out/environment-credentials.ts';
import { createRecordingLog } from '../fakes/recording-log.ts';
import { createSeededIds } from '../fakes/seeded-ids.ts';

describe.each([
  ['random', createRandomIds()],
  ['seeded', createSeededIds(7)],
])('%s ids', (_, ids) => {
  it('are 26 characters of a–z2–7, and never the same', () => {
    const some = Array.from({ length: 2_000 }, () => ids.next());
    for (const id of some) expect(id).toMatch(/^[a-z2-7]{26}$/);
    expect(new Set(some).size).toBe(2_000);
    expect(new Set(some.join('')).size).toBe(32);
  });
});

describe('the credentials of a function', () => {
  afterEach(() => vi.unstubAllEnvs());
  const given = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret', AWS_SESSION_TOKEN: 'token' };
  const credentials = (environment: Record<string, string>) => {
    for (const name of Object.keys(given)) vi.stubEnv(name, environment[name] ?? '');
    return defaultProvider()();
  };

  it('come from its environment', async () => {
    const expected = { accessKeyId: 'id', secretAccessKey: 'secret' };
    expect(await credentials(given)).toEqual({ ...expected, sessionToken: 'token' });
    expect(await credentials({ ...given, AWS_SESSION_TOKEN: '' })).toEqual(expected);
  });

  it('are refused if they are incomplete', async () => {
    await expect(credentials({ ...given, AWS_SECRET_ACCESS_KEY: '' })).rejects.toThrow('no credentials');
  });
});

describe('records of a queue', () => {
  const jobId = 'k5mhx3q2vwn7tjzr4ydaf6bcgs';
  const BODY = JSON.stringify({ jobId });
  const records = (...messageIds: string[]) => ({
    Records: messageIds.map((messageId) => ({ messageId, eventSourceARN: 'arn:queue', body: BODY })),
  });
  const failing =
    (...ids: string[]) =>
    async ({ messageId }: { messageId: string }) => {
      if (ids.includes(messageId)) throw new Error(`no ${messageId}`);
    };

  it('are all handled, and those that failed are reported', async () => {
    const log = createRecordingLog();
    const handled: string[] = [];
    const response = await handleEachRecord(
      records('a', 'b', 'c'),
      async (record) => {
        handled.push(record.messageId);
        await failing('a')(record);
      },
      log,
    );
    expect(response).toEqual({ batchItemFailures: [{ itemIdentifier: 'a' }] });
    expect(handled).toEqual(['a', 'b', 'c']);
    const facts = { messageId: 'a', queue: 'arn:queue', jobId };
    expect(log.lines).toMatchObject([{ level: 'error', code: 'record_failed', facts }]);
  });

  it('do not wait for each other', async () => {
    let others = 0;
    let release = (): void => {};
    const bothHandled = new Promise<void>((resolve) => {
      release = resolve;
    });
    const handle = async ({ messageId }: { messageId: string }) => {
      if (messageId === 'a') return bothHandled;
      others += 1;
      if (others === 2) release();
    };
    await handleEachRecord(records('a', 'b', 'c'), handle, createRecordingLog());
    expect(others).toBe(2);
  });

  it('that all succeed report no failure', async () => {
    expect(await handleEachRecord(records('a'), failing(), createRecordingLog())).toEqual({
      batchItemFailures: [],
    });
  });

  it('that all failed make the invocation fail', async () => {
    await expect(
      handleEachRecord(records('a', 'b'), failing('a', 'b'), createRecordingLog()),
    ).rejects.toThrow('all 2');
  });

  it('that failed without an id make the invocation fail, because an empty id would make SQS redeliver all of them', async () => {
    const log = createRecordingLog();
    await expect(handleEachRecord(records('a', ''), failing(''), log)).rejects.toThrow('without an id');
  });
});

describe('the log', () => {
  const adapter = new URL('../../functions/shared/adapters/lambda/json-log.ts', import.meta.url).href;
  const linesOf = async (script: string) => {
    const program = `import { createJsonLog } from '${adapter}'; const log = createJsonLog('poll'); ${script}`;
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      ['--input-type=module', '-e', program],
      { env: {} },
    );
    return `${stdout}${stderr}`
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  };

  it('is one JSON object per line, with its code, its facts and its level', async () => {
    const lines = await linesOf(
      `log.info('tick', { open: 3, late: undefined }); log.warn('slow', { ms: 1.5 });`,
    );
    expect(lines).toMatchObject([
      { level: 'INFO', code: 'tick', message: 'tick', open: 3, service: 'poll' },
      { level: 'WARN', code: 'slow', ms: 1.5 },
    ]);
  });

  it('shows the name, message, stack and causes of an error, and none of its other properties', async () => {
    const [line] = await linesOf(`
      const cause = Object.assign(new TypeError('inner'), { $response: { body: 'SECRET ROW' } });
      const error = Object.assign(new Error('outer', { cause }), { request: { body: 'SECRET ROW' } });
      log.error('step_failed', { jobId: 'j' }, error);`);
    expect(line).toMatchObject({
      level: 'ERROR',
      code: 'step_failed',
      jobId: 'j',
      failure: { name: 'Error', message: 'outer', cause: { name: 'TypeError', message: 'inner' } },
    });
    expect(JSON.stringify(line)).not.toContain('SECRET');
    expect(JSON.stringify(line)).toContain(' at ');
  });

  it('does not quote text that could not be parsed', async () => {
    const [line] = await linesOf(
      `try { JSON.parse('SECRET ROW') } catch (error) { log.error('c', {}, error) }`,
    );
    expect(line).toMatchObject({ failure: { name: 'SyntaxError' } });
    expect(JSON.stringify(line)).not.toContain('SECRET');
  });
});
