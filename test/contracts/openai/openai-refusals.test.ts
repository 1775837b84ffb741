import { describe, expect, it } from 'vitest';
import { ACCOUNT_CODES } from '../account-codes.ts';
import { create, openAiForEachTest, REFUSAL, upload } from './openai-under-test.ts';
import { html, json, raw, reset, type ScriptedAnswer } from './scripted-server.ts';

const openAi = openAiForEachTest();

type Call = 'upload' | 'create' | 'retrieve' | 'content';

function call(which: Call): Promise<unknown> {
  if (which === 'upload') return upload(openAi, '{}\n');
  if (which === 'create') return create(openAi);
  if (which === 'retrieve') return openAi.api.retrieveBatch('batch_1');
  return Array.fromAsync(openAi.api.readFile('file-1'));
}

function refusal(status: number, message: string, code: string | null = null, param: string | null = null) {
  return json(status, { error: { message, type: 'invalid_request_error', param, code } });
}

const detail = (status: number, text: unknown) => json(status, { detail: text });

async function expectWait(which: Call, answer: ScriptedAnswer, waitsFor: string | undefined): Promise<void> {
  openAi.server.answerWith(answer);
  await expect(call(which)).rejects.toMatchObject({ name: 'RetryableError', waitsFor });
}

describe('a refusal waits for the account', () => {
  const BILLING = 'Billing hard limit has been reached.';
  const QUOTA = 'You exceeded your current quota, please check your plan and billing details.';
  const refusals: [string, ScriptedAnswer][] = [
    ['the hard limit', refusal(400, BILLING, 'billing_hard_limit_reached')],
    ['the hard limit without a code', refusal(400, BILLING)],
    ['the quota', refusal(429, QUOTA, 'insufficient_quota')],
    ['the quota without a code', refusal(429, QUOTA)],
    ['an error type alone', json(429, { error: { message: 'No.', type: 'insufficient_quota', code: null } })],
    ['credit', refusal(429, 'Your credit balance is too low.', 'credit_balance_exhausted')],
    ['a usage limit', refusal(429, 'Limit.', 'organization_usage_limit_exceeded')],
    ['a spend limit', refusal(429, 'Limit.', 'organization_spend_limit_exceeded')],
    ["a project's spend limit", refusal(429, 'Limit.', 'project_spend_limit_exceeded')],
    ['a monthly limit in a message', refusal(429, 'You have reached your monthly spending limit.')],
    ['billing that is not active', refusal(429, 'Your account is not active.', 'billing_not_active')],
    ['a plan', refusal(403, 'The Batch API is not available for your plan.', 'not_available_for_plan')],
    ['a tier in a message', refusal(403, 'This feature is not part of your current tier; please upgrade.')],
    ['402', refusal(402, 'Payment required.')],
    ['402 of FastAPI', detail(402, 'Insufficient balance')],
    ['FastAPI in words', detail(403, [{ msg: 'Not enough credits to run this request' }])],
    ['a suspended account', refusal(403, 'Your account has been suspended.')],
    [
      'arrears',
      refusal(400, 'Access denied, please make sure your account is in good standing.', 'Arrearage'),
    ],
    ['verification', refusal(403, 'Your organization must be verified to use this model.')],
    ['a balance', refusal(403, 'Sorry, your account balance is insufficient')],
    ['a balance that is too low', refusal(400, 'Balance not enough to create the batch.')],
    ['a budget', refusal(400, 'ExceededBudget: User=u over budget. Spend=10.0, Budget=5.0')],
    ['a budget in a type', json(400, { error: { message: 'No.', type: 'budget_exceeded', code: '400' } })],
    [
      'a quota, with the address of a page about rates',
      refusal(429, `${QUOTA} See https://vendor.example/docs/rate-limits-per-hour.`),
    ],
  ];
  it.each(refusals)('%s', async (_, answer) => {
    for (const which of ['upload', 'create', 'retrieve'] as const) await expectWait(which, answer, 'account');
  });

  it.each(ACCOUNT_CODES)('the code %s, whatever the message and the status', async (code) => {
    for (const status of [400, 403, 429]) await expectWait('create', refusal(status, 'No.', code), 'account');
  });

  it("with the API's message, at most 500 characters of it", async () => {
    openAi.server.answerWith(refusal(429, QUOTA, 'insufficient_quota'));
    await expect(create(openAi)).rejects.toMatchObject({ said: QUOTA });
    openAi.server.answerWith(refusal(429, `${QUOTA}${'x'.repeat(2_000)}`, 'insufficient_quota'));
    await expect(create(openAi)).rejects.toMatchObject({ said: expect.stringMatching(/^.{500}$/) });
    openAi.server.answerWith(refusal(400, 'Billing of key sk-first failed.'));
    await expect(create(openAi)).rejects.toMatchObject({ said: 'Billing of key (key) failed.' });
  });
});

describe('a refusal waits for storage', () => {
  const refusals: [string, ScriptedAnswer][] = [
    ['bytes', refusal(400, "You've exceeded your organization's file storage quota of 100 GB.")],
    ['a code', refusal(400, 'No.', 'storage_quota_exceeded')],
    ['a number', refusal(400, 'The maximum of 500 files for this resource has been reached.')],
    ['another number', refusal(400, 'Number of files exceeds the limit of 500.')],
    [
      'a quota',
      json(400, { error: { code: 'quotaExceeded', message: 'Quota of uploaded files is reached.' } }),
    ],
    ['too many', detail(400, 'Too many uploaded files; delete some of them.')],
    ['a limit of files', refusal(403, 'File limit reached (500).')],
    ['507', refusal(507, 'Insufficient.')],
    ['the size of all files', refusal(400, 'The total size of all files uploaded has exceeded 100 GB.')],
    [
      'an offer of a larger plan',
      refusal(429, 'Storage limit exceeded. Upgrade your plan, or delete files.'),
    ],
  ];
  it.each(refusals)('%s', async (_, answer) => {
    await expectWait('upload', answer, 'storage');
  });

  it('but not if the single file is too large', async () => {
    for (const message of [
      'The uploaded file exceeds the maximum file size of 512 MB.',
      'File is too large. Maximum size is 200 MB.',
      'The file exceeds the limit of 50000 requests per file.',
    ]) {
      openAi.server.answerWith(refusal(400, message));
      await expect(call('upload')).rejects.toMatchObject({ name: 'TerminalError' });
    }
  });
});

describe('a refusal of a create waits for the file to be visible', () => {
  const seen = 'Cannot find file file-abc, or project proj_1 does not have access to it.';
  const refusals: [string, ScriptedAnswer][] = [
    ['400', refusal(400, seen, null, 'input_file_id')],
    ['404', refusal(404, seen)],
    ['404 without a word about files', json(404, REFUSAL)],
    ['404 of FastAPI', detail(404, 'Input file not found')],
    ['400 of FastAPI', detail(400, [{ msg: "Input file 'file-abc' does not exist", type: 'value_error' }])],
    ['no such file', refusal(400, 'No such File object: file-abc')],
    ['pending', refusal(400, 'File file-abc is in status pending; it must be processed.')],
    ['processing', refusal(422, 'The input file is still being processed.')],
    ['an invalid id', refusal(400, 'Invalid file id: file-abc', 'invalid_file_id')],
    ['an id that is invalid', refusal(400, 'input_file_id is invalid', null, 'input_file_id')],
    ['a quoted status', refusal(400, "The file 'file-1' has the status 'pending'.", 'invalidPayload')],
    ['a status that is needed', refusal(400, "Only files with status 'processed' can be used.")],
    ['a state that is needed', refusal(400, "Input file 'file-1' must be in Processed state.")],
    ['a code', refusal(400, 'No.', 'file_not_ready')],
    ['a code of Azure', refusal(400, 'No.', 'fileNotProcessed')],
  ];
  it.each(refusals)('%s', async (_, answer) => {
    await expectWait('create', answer, 'not_visible');
  });

  it('but not if the model is unknown or the file is wrong', async () => {
    for (const answer of [
      refusal(404, 'The model gpt-9 does not exist or you do not have access to it.', 'model_not_found'),
      refusal(400, 'The model in the input file was not found.', 'model_not_found'),
      refusal(400, 'Invalid file format: expected JSONL.', 'invalid_file'),
      refusal(400, 'The file has the purpose fine-tune, expected batch.', null, 'input_file_id'),
    ]) {
      openAi.server.answerWith(answer);
      await expect(create(openAi)).rejects.toMatchObject({ name: 'TerminalError' });
    }
  });

  it('and a refusal of a read waits while the file is pending', async () => {
    await expectWait('content', refusal(400, 'The file is not ready: status pending.'), 'not_visible');
    openAi.server.answerWith(refusal(400, 'No such File object: file-1'));
    await expect(call('content')).rejects.toMatchObject({ name: 'TerminalError', code: 'file_gone' });
  });
});

describe('a refusal waits for enqueued work to end', () => {
  const TOKENS =
    'Enqueued token limit reached for gpt-4o in organization org-1. Limit: 90,000 enqueued tokens. Please try again once some in_progress batches have been completed.';
  const refusals: [string, ScriptedAnswer][] = [
    ['tokens, 400', refusal(400, TOKENS, 'token_limit_exceeded')],
    ['tokens, 429', refusal(429, TOKENS)],
    ['a code alone', refusal(400, 'No.', 'token_limit_exceeded')],
    [
      'without the organization',
      refusal(429, 'Enqueued token limit reached for gpt-4.1. Limit: 900,000 enqueued tokens.'),
    ],
    [
      'requests',
      refusal(
        429,
        'Enqueued request limit reached for text-embedding-3-small. Limit: 1,000,000 enqueued requests.',
      ),
    ],
    [
      'Azure',
      refusal(
        400,
        "The number of enqueued tokens has surpassed the configured limit of 30K for the deployment 'D'.",
      ),
    ],
    ['batches', refusal(429, 'You have reached the maximum number of active batches.')],
    ['a limit of batches', refusal(400, 'Concurrent batch limit reached (max 5 batches).')],
    ['batches of FastAPI', detail(400, 'Batch limit reached: at most 10 active batches per user')],
    ['batches in progress', refusal(400, 'Your organization has 3 batches in progress; the limit is 3.')],
    ['a queue', refusal(400, 'The batch queue for this model is full.')],
    ['a name with an underscore', refusal(400, 'enqueued_tokens limit exceeded: limit 90000')],
    ['a hyphen', refusal(400, 'Enqueued-token limit reached.')],
  ];
  it.each(refusals)('%s', async (_, answer) => {
    await expectWait('create', answer, 'token_limit');
  });

  it('with the message, from which the limit is read', async () => {
    openAi.server.answerWith(refusal(429, TOKENS));
    await expect(create(openAi)).rejects.toMatchObject({ said: TOKENS });
  });
});

describe('a refusal for the rate', () => {
  const refusals: [string, ScriptedAnswer][] = [
    [
      'of OpenAI',
      refusal(
        429,
        'Rate limit reached for requests. You can increase your rate limit by adding a payment method.',
        'rate_limit_exceeded',
      ),
    ],
    [
      'of Groq',
      refusal(429, 'Rate limit reached. Need more tokens? Upgrade to Dev Tier today at /settings/billing'),
    ],
    ['of creates', refusal(429, 'Too many batches created; the limit is 2,000 per hour.')],
    ['with 400', refusal(400, 'Rate limit exceeded, slow down.')],
    ['of a gateway', html(429)],
  ];
  it.each(refusals)('%s has a time to wait, and no obstacle', async (_, answer) => {
    openAi.server.answerWith(answer);
    const refused = call('upload');
    await expect(refused).rejects.toMatchObject({ name: 'RetryableError', afterSeconds: 60 });
    await expect(refused).rejects.toMatchObject({ waitsFor: undefined });
  });
});

describe('a call waits until the API can be reached', () => {
  const answers: [string, ScriptedAnswer][] = [
    ['a page of a proxy', html(503)],
    ['a server error of the API', refusal(500, 'The server had an error while processing your request.')],
    ['a temporary refusal', refusal(400, 'The service is temporarily unavailable, try again later.')],
    ['a reset', reset],
    ['a redirect', raw(302, undefined, '')],
  ];
  it.each(answers)('after %s', async (_, answer) => {
    for (const which of ['upload', 'retrieve', 'content'] as const)
      await expectWait(which, answer, 'unreachable');
  });

  it('after an upload to a base URL that has no files endpoint', async () => {
    await expectWait('upload', detail(404, 'Not Found'), 'unreachable');
  });

  it('and counts as not sent, if it is a create without a connection', async () => {
    openAi.api = openAi.apiAt('http://127.0.0.1:1/v1');
    await expect(create(openAi)).rejects.toMatchObject({ name: 'RetryableError', waitsFor: 'unreachable' });
  });

  it('but not if its own caller ended it', async () => {
    const controller = new AbortController();
    openAi.server.answerWith(() => controller.abort());
    const ended = openAi.api.retrieveBatch('batch_1', controller.signal);
    await expect(ended).rejects.toMatchObject({ name: 'RetryableError', waitsFor: undefined });
  });
});

describe('a refusal is final', () => {
  const refusals: [string, ScriptedAnswer, string][] = [
    [
      "in OpenAI's format",
      refusal(400, 'Invalid value: 48h.', 'invalid_value', 'completion_window'),
      'invalid_value',
    ],
    ["in FastAPI's format", detail(422, [{ msg: 'field required', loc: ['body', 'endpoint'] }]), 'refused'],
    [
      "that quotes the user's text",
      refusal(400, "Invalid key 'billing_plan' in metadata.", 'invalid_metadata'),
      'invalid_metadata',
    ],
    [
      "about the user's metadata",
      refusal(400, 'Billing: too long', 'string_above_max_length', 'metadata.Billing'),
      'string_above_max_length',
    ],
    [
      'about the size of a single batch',
      refusal(400, 'Batch limit exceeded: 60,000 requests, at most 50,000 per batch.', 'too_many_tasks'),
      'too_many_tasks',
    ],
    [
      'about a file that is broken',
      refusal(400, "The file 'file-1' has the status 'error': line 3 is no JSON.", 'invalid_file'),
      'invalid_file',
    ],
    [
      'that only asks to try again',
      refusal(400, 'Please check your inputs and try again.', 'invalid_input'),
      'invalid_input',
    ],
  ];
  it.each(refusals)('%s', async (_, answer, code) => {
    openAi.server.answerWith(answer);
    await expect(create(openAi)).rejects.toMatchObject({ name: 'TerminalError', code });
  });

  it.each([405, 406, 409, 418, 425, 451])(
    'never for a %i, which does not say that the input is wrong',
    async (status) => {
      openAi.server.answerWith(refusal(status, 'No.'));
      await expect(call('upload')).rejects.toMatchObject({ name: 'RetryableError' });
    },
  );
});
