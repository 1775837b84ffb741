import { rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { costKey, resultKeys } from '../../../functions/shared/contract/result-keys.ts';
import { RecordedRuntime, stackWithShortIntake } from '../../local/iam/recorded-runtime.ts';

const ROWS = 600;

let assembly: string;
let runtime: RecordedRuntime;

beforeAll(async () => {
  assembly = await stackWithShortIntake();
  runtime = await RecordedRuntime.start(assembly);
});

afterAll(async () => {
  await runtime?.close();
  rmSync(assembly, { recursive: true, force: true });
});

/** Rows of a kilobyte, alternating between two models. */
function mixedRows(): string {
  const text = 'x'.repeat(900);
  const row = (at: number) => ({
    custom_id: `row-${at}`,
    method: 'POST',
    url: '/v1/chat/completions',
    body: {
      model: at % 2 === 0 ? 'gpt-4o-mini' : 'gpt-4.1-nano',
      messages: [{ role: 'user', content: text }],
    },
  });
  return Array.from({ length: ROWS }, (_, at) => `${JSON.stringify(row(at))}\n`).join('');
}

it('a file that needs many invocations of INTAKE completes in order and leaves no intermediate objects', async () => {
  const key = 'mixed.jsonl';
  const jobId = await runtime.drop(key, mixedRows());
  await runtime.untilJob(jobId, 'completed');
  await runtime.until(
    'the clean-up of the job',
    async () => (await runtime.ledger.readJob(jobId))?.cleanedUp === true,
  );
  const job = await runtime.ledger.readJob(jobId);
  expect(job).toMatchObject({
    plan: { rows: ROWS, parts: 2, groups: 2 },
    rows: { total: ROWS, succeeded: ROWS },
  });
  expect(job?.scan?.checkpoints).toBeGreaterThan(3);
  expect(job?.scan?.planId).toBe(job?.plan?.planId);
  if (!job) return;
  const { resultsBucket } = runtime.names;
  const keys = [...Object.values(resultKeys(job)), costKey(job)];
  const output = await runtime.user.read(resultsBucket, resultKeys(job).output);
  const ids = output
    .split('\n')
    .filter(Boolean)
    .map((line): string => JSON.parse(line).custom_id);
  expect(ids).toEqual(Array.from({ length: ROWS }, (_, at) => `row-${at}`));
  expect((await runtime.user.keys(resultsBucket, '')).sort()).toEqual(keys.sort());
  const refused = runtime.decisions.filter(({ verdict }) => verdict !== 'allowed');
  expect(refused.map(({ request }) => request.action)).toEqual([]);
});
