import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LLMock } from '@copilotkit/aimock';
import { createOpenAiBatchApi } from '../../../functions/shared/adapters/openai/batch-api.ts';
import type { BatchApi } from '../../../functions/shared/ports/ports.ts';
import { startBatchApi } from '../../../local/openai/server.ts';
import { createInMemoryBatchApi } from '../../fakes/in-memory-batch-api.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';
import { NOON } from '../samples.ts';
import { describeBatchApiContract } from './batch-api.contract.ts';

function apiAt(baseUrl: string): BatchApi {
  const key = async () => ({ apiKey: 'sk-local' });
  return createOpenAiBatchApi({
    baseUrl,
    keys: { current: key, refresh: key },
  });
}

describeBatchApiContract('the fake', async () => {
  const clock = new ManualClock(NOON);
  return {
    api: createInMemoryBatchApi({ clock, seed: 1 }),
    letTimePass: async () => clock.advance(60_000),
    close: async () => {},
  };
});

describeBatchApiContract('our adapter at the local server', async () => {
  const clock = new ManualClock(NOON);
  const directory = await mkdtemp(join(tmpdir(), 'batch-api-'));
  const timing = { validating: () => 20_000 };
  const server = await startBatchApi({ directory, clock, port: 0, seed: 1, timing });
  return {
    api: apiAt(server.url),
    letTimePass: async () => clock.advance(30_000),
    async close() {
      await server.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
});

// Others wrote this from the same documents, so it shows mistakes that our adapter and our local server share.
describeBatchApiContract(
  'our adapter at aimock',
  async () => {
    const server = new LLMock({ port: 0 });
    await server.start();
    server.reset(); // its state outlives a server
    return {
      api: apiAt(`${server.url}/v1`),
      letTimePass: async () => {}, // each retrieve moves a batch to its next status
      close: () => server.stop(),
    };
  },
  { ignoresMissingFiles: true, noPartialResults: true },
);
