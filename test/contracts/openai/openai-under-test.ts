import { afterEach, beforeEach } from 'vitest';
import type { ApiKey } from '../../../functions/shared/adapters/openai/api-key.ts';
import { createOpenAiBatchApi } from '../../../functions/shared/adapters/openai/batch-api.ts';
import type { CallDeadlines } from '../../../functions/shared/adapters/openai/call-deadline.ts';
import type { BatchApi } from '../../../functions/shared/ports/ports.ts';
import { type ScriptedAnswer, type ScriptedServer, startScriptedServer } from './scripted-server.ts';

/** A signal that is never aborted. */
export const NEVER = new AbortController().signal;

/** A new batch in the API's format. */
export const BATCH = {
  id: 'batch_1',
  object: 'batch',
  endpoint: '/v1/embeddings',
  input_file_id: 'file-1',
  completion_window: '24h',
  status: 'validating',
  created_at: 1_761_998_400,
};

/** The body of a refusal by the API. */
export const REFUSAL = {
  error: { message: 'No such thing.', type: 'invalid_request_error', param: null, code: null },
};

/** Our adapter and the server that it calls, new for each test. */
export interface OpenAiUnderTest {
  server: ScriptedServer;
  api: BatchApi;
  /** The key after a refresh. */
  refreshedKey: ApiKey;
  refreshes: number;
  apiAt(baseUrl: string, deadlines?: Partial<CallDeadlines>): BatchApi;
}

/** Sets the adapter up for each test of a file. */
export function openAiForEachTest(): OpenAiUnderTest {
  const openAi = {} as OpenAiUnderTest; // complete before the first test
  openAi.apiAt = (baseUrl, deadlines = {}) =>
    createOpenAiBatchApi({
      baseUrl,
      keys: {
        current: async () => ({ apiKey: 'sk-first' }),
        refresh: async () => {
          openAi.refreshes += 1;
          return openAi.refreshedKey;
        },
      },
      deadlines,
    });
  beforeEach(async () => {
    openAi.server = await startScriptedServer();
    openAi.refreshedKey = { apiKey: 'sk-first' };
    openAi.refreshes = 0;
    openAi.api = openAi.apiAt(`${openAi.server.url}/v1`);
  });
  afterEach(() => openAi.server.close());
  return openAi;
}

/** Creates a batch with `file-1`. */
export function create({ api }: OpenAiUnderTest, signal = NEVER): ReturnType<BatchApi['createBatch']> {
  const request = {
    inputFileId: 'file-1',
    endpoint: '/v1/embeddings',
    completionWindow: '24h',
    metadata: { a: 'b' },
  };
  return api.createBatch(request, signal);
}

/** Uploads a text as one piece. */
export function upload({ api }: OpenAiUnderTest, text: string): ReturnType<BatchApi['uploadFile']> {
  const body = (async function* () {
    yield Buffer.from(text);
  })();
  return api.uploadFile({ name: 'part-1.jsonl', bytes: text.length, body }, NEVER);
}

/** Sends JSON without an end. */
export function endless(response: Parameters<ScriptedAnswer>[0]): void {
  response.writeHead(200, { 'content-type': 'application/json' }).write('"');
  const more = (): void => {
    while (!response.destroyed && response.write('x'.repeat(100_000)));
    if (!response.destroyed) response.once('drain', more);
  };
  more();
}
