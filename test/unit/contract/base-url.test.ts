import { describe, expect, it } from 'vitest';
import { isLoopback, parseBaseUrl } from '../../../functions/shared/contract/base-url.ts';
import { ACCEPTED, REFUSED } from './base-urls.ts';

describe('a base URL', () => {
  it.each(ACCEPTED)('%s is accepted', (text, url) => {
    expect(parseBaseUrl(text)).toEqual({ url });
  });

  it.each(REFUSED)('%s is refused', (text, reason) => {
    expect(parseBaseUrl(text)).toEqual({ problem: expect.stringContaining(reason) });
  });

  it.each([
    'https://:secret@example.com/v1',
    'https://api.openai.com/v1\u200b',
    ' https://api.openai.com/v1',
  ])('%j is refused', (text) => {
    expect(parseBaseUrl(text)).toEqual({ problem: expect.any(String) });
  });

  it.each([
    ['https://api.openai.com/v1/chat/completions', '/chat/completions'],
    ['https://api.openai.com/v1/batches/', '/batches'],
    ['https://gateway.example.com/openai/v1/files', '/files'],
  ])('%s is refused, because it is the URL of a call', (text, call) => {
    const problem = `must not contain the path of a call; remove ${call}`;
    expect(parseBaseUrl(text)).toEqual({ problem });
  });

  it('leads to this machine or does not', () => {
    expect(['http://localhost:4578/v1', 'http://127.0.0.1', 'http://[::1]/'].every(isLoopback)).toBe(true);
    expect(['https://api.openai.com/v1', 'http://localhost.example.com'].some(isLoopback)).toBe(false);
  });
});
