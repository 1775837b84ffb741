import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connect } from '../../../bin/connection/connection.ts';
import { fetchResults } from '../../../bin/jobs/fetch-results.ts';
import { synthesizedStack } from '../../../bin/up/synthesis.ts';
import { costKey, resultKeys } from '../../../functions/shared/contract/result-keys.ts';
import { chatRows } from '../../local/endpoint/chat-rows.ts';
import { RecordedRuntime } from '../../local/iam/recorded-runtime.ts';

const PREFIX = 'team/batchdrop/';

let folder: string;
let runtime: RecordedRuntime;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'batchdrop-prefix-'));
  runtime = await RecordedRuntime.start(await synthesizedStack({ context: { resultsPrefix: PREFIX } }));
});

afterAll(async () => {
  await runtime?.close();
  rmSync(folder, { recursive: true, force: true });
});

it('with a prefix, all results are under it, the functions have permissions for nothing else, and the event and the command name it', async () => {
  const jobId = await runtime.drop('evening/a.jsonl', chatRows(3, 'prefix'));
  await runtime.untilJob(jobId, 'completed');
  await runtime.until(
    'the clean-up of the job',
    async () => (await runtime.ledger.readJob(jobId))?.cleanedUp === true,
  );
  const job = await runtime.ledger.readJob(jobId);
  if (!job) throw new Error('there is no job');
  const { resultsBucket } = runtime.names;
  const keys = [...Object.values(resultKeys(job)), costKey(job)].map((key) => PREFIX + key);
  expect((await runtime.user.keys(resultsBucket, '')).sort()).toEqual(keys.sort());
  const refused = runtime.decisions.filter(({ verdict }) => verdict !== 'allowed');
  expect(refused.map(({ request }) => request.action)).toEqual([]);

  const completed = runtime.events.find(({ detail }) => Object(detail).data?.results);
  expect(Object(completed?.detail).data.results).toEqual({
    bucket: resultsBucket,
    ...resultKeys(job, PREFIX),
  });

  const connection = await connect({ endpoint: runtime.names.url });
  try {
    const directory = join(folder, 'fetched');
    await fetchResults(connection, job, directory);
    expect(readdirSync(directory).sort()).toEqual(['errors.jsonl', 'output.jsonl', 'summary.json']);
  } finally {
    connection.close();
  }
});
