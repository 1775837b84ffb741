import { describe, expect, it } from 'vitest';
import { realBatchApi } from '../../bin/up/real-batch-api.ts';
import { createOpenAiTransport } from '../../functions/shared/adapters/openai/transport.ts';
import { parseBaseUrl } from '../../functions/shared/contract/base-url.ts';
import { synthesize } from './synthesis.ts';
import { at, resources } from './template-reading.ts';

const ACCEPTED: [text: string, url: string][] = [
  ['https://api.openai.com/v1', 'https://api.openai.com/v1'],
  ['https://api.example.com', 'https://api.example.com'],
  ['https://api.example.com:8443/openai/v1', 'https://api.example.com:8443/openai/v1'],
  ['https://api.example.com/v1/', 'https://api.example.com/v1'],
  ['https://api.example.com//', 'https://api.example.com'],
  ['HTTPS://API.example.com/V1', 'https://api.example.com/V1'],
  ['http://localhost:4578/v1/', 'http://localhost:4578/v1'],
  ['http://127.0.0.1:8080/v1', 'http://127.0.0.1:8080/v1'],
  ['http://127.0.0.2/v1', 'http://127.0.0.2/v1'],
  ['http://127.255.255.254/v1', 'http://127.255.255.254/v1'],
  ['http://[::1]:8080/v1', 'http://[::1]:8080/v1'],
];

/** One URL of each kind. */
const OF_THE_CONSTRUCT = ['https://api.example.com/v1/', 'http://localhost:4578/v1/', 'http://[::1]:8080/v1'];

const REFUSED: [text: string, problem: string][] = [
  ['http://api.example.com/v1', 'must start with https://'],
  ['http://127.0.0.1.example.com/v1', 'must start with https://'],
  ['http://localhost.example.com/v1', 'must start with https://'],
  ['http://128.0.0.1/v1', 'must start with https://'],
  ['http://[::2]/v1', 'must start with https://'],
  ['http://0.0.0.0/v1', 'must start with https://'],
  ['ftp://127.0.0.1/v1', 'must start with https://'],
  ['file:///v1', 'must start with https://'],
  ['https://me:secret@example.com/v1', 'must not contain a user name or password'],
  ['https://me@example.com/v1', 'must not contain a user name or password'],
  ['https://example.com/v1?api-version=1', 'must not contain a query or fragment'],
  ['https://example.com/v1?', 'must not contain a query or fragment'],
  ['https://example.com/v1#top', 'must not contain a query or fragment'],
  ['http://127.0.0.1/v1?x=1', 'must not contain a query or fragment'],
  ['api.openai.com/v1', 'is not a URL'],
  ['/v1', 'is not a URL'],
  ['https://', 'is not a URL'],
  ['https://api.openai.com /v1', 'is not a URL'],
];

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
