import { describe, expect, it } from 'vitest';
import { realBatchApi } from '../../bin/up/real-batch-api.ts';
import { createOpenAiTransport } from '../../functions/shared/adapters/openai/transport.ts';
import { parseBaseUrl } from '../../functions/shared/contract/base-url.ts';
import { ACCEPTED, REFUSED } from '../unit/contract/base-urls.ts';
import { synthesize } from './synthesis.ts';
import { at, resources } from './template-reading.ts';

/** One URL of each kind. */
const OF_THE_CONSTRUCT = ['https://api.example.com/v1/', 'http://localhost:4578/v1/', 'http://[::1]:8080/v1'];

/** Returns the base URL in the environment of POLL, as the construct writes it. */
function baseUrlOfStack(baseUrl: string): unknown {
  const functions = resources(synthesize({ baseUrl }), 'AWS::Lambda::Function');
  const poll = functions.find(({ id }) => id === 'PollingWorkerFunction');
  return at(poll?.Properties, 'Environment', 'Variables', 'OPENAI_BASE_URL');
}

const transport = (baseUrl: string) => createOpenAiTransport(baseUrl, 1_000);
const commandLine = (baseUrl: string) => realBatchApi({ OPENAI_API_KEY: 'k', OPENAI_BASE_URL: baseUrl });

describe('the rule, the construct, the transport and the CLI accept', () => {
  it.each(ACCEPTED)('%s', (text, url) => {
    expect(parseBaseUrl(text)).toEqual({ url });
    if (OF_THE_CONSTRUCT.includes(text)) expect(baseUrlOfStack(text)).toBe(url); // each needs a synthesis
    expect(() => transport(text)).not.toThrow();
    expect(commandLine(text)).toMatchObject({ baseUrl: url });
  });
});

describe('all four reject, for the same reason and without quoting it,', () => {
  it.each(REFUSED)('%s', (text, reason) => {
    const parsed = parseBaseUrl(text);
    const problem = 'problem' in parsed ? parsed.problem : '';
    expect(problem.startsWith(reason), problem).toBe(true);
    expect(problem).not.toContain('secret@');
    expect(() => baseUrlOfStack(text)).toThrow(`Example/Batchdrop: baseUrl ${problem}.`);
    expect(() => transport(text)).toThrow(`the base URL ${problem}`);
    expect(() => commandLine(text)).toThrow(`OPENAI_BASE_URL ${problem}.`);
  });
});
