import { describe, expect, it } from 'vitest';
import { refusalOf, Token } from '../../../bin/console/http/request-guard.ts';

const ORIGIN = 'http://127.0.0.1:4567';
const HOST = '127.0.0.1:4567';

const codeOf = (method: string, url: string, headers: Record<string, string>) =>
  refusalOf({ method, url, headers: { host: HOST, ...headers } }, ORIGIN)?.code;

describe('the guard of the console', () => {
  it('lets its own page, a program and a click on the address through', () => {
    const own = {
      origin: ORIGIN,
      'sec-fetch-site': 'same-origin',
      'sec-fetch-mode': 'cors',
      'sec-fetch-dest': 'empty',
    };
    expect(codeOf('GET', '/api/session', own)).toBeUndefined();
    expect(codeOf('PUT', '/api/files/a.jsonl', own)).toBeUndefined();
    expect(codeOf('POST', '/api/tickets', { origin: ORIGIN })).toBeUndefined();
    expect(codeOf('GET', '/api/session', {})).toBeUndefined();
    expect(codeOf('GET', '/', { 'sec-fetch-site': 'none', 'sec-fetch-dest': 'document' })).toBeUndefined();
  });

  it.each([
    '127.0.0.1',
    '127.0.0.1:80',
    '127.0.0.1:45670',
    'localhost:4567',
    '[::1]:4567',
    'thief.example:4567',
    '127.0.0.1:4567.thief.example',
    '',
  ])('refuses the host %j', (host) => expect(codeOf('GET', '/', { host })).toBe('wrong_host'));

  it.each([
    'null',
    'http://127.0.0.1',
    'http://127.0.0.1:4568',
    'https://127.0.0.1:4567',
    'http://localhost:4567',
    `${ORIGIN}.thief.example`,
  ])('refuses the origin %j, for reads as well', (origin) => {
    expect(codeOf('POST', '/api/tickets', { origin })).toBe('wrong_origin');
    expect(codeOf('GET', '/api/session', { origin })).toBe('wrong_origin');
  });

  it('refuses a write without an origin, and other methods', () => {
    expect(codeOf('POST', '/api/tickets', {})).toBe('wrong_origin');
    for (const method of ['OPTIONS', 'HEAD', 'DELETE', 'PATCH', 'TRACE'])
      expect(codeOf(method, '/', { origin: ORIGIN })).toBe('wrong_method');
    expect(codeOf('GET', `${ORIGIN}/`, {})).toBe('wrong_host');
  });

  it('lets a link from elsewhere open the empty page only, and as a window only', () => {
    const link = {
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
    };
    expect(codeOf('GET', '/', link)).toBeUndefined();
    expect(codeOf('GET', '/', { ...link, 'sec-fetch-site': 'same-site' })).toBeUndefined();
    expect(codeOf('GET', '/download/x', link)).toBe('wrong_site');
    expect(
      codeOf('GET', '/console.js', { ...link, 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'script' }),
    ).toBe('wrong_site');
    expect(codeOf('GET', '/', { ...link, 'sec-fetch-dest': 'iframe' })).toBe('wrong_site');
    expect(codeOf('GET', '/', { 'sec-fetch-site': 'same-origin', 'sec-fetch-dest': 'iframe' })).toBe(
      'framed',
    );
  });
});

describe('the token', () => {
  it('is long, new for each run, and taken only as a bearer', () => {
    const token = new Token();
    expect(token.text).toMatch(/^[\w-]{22}$/);
    expect(new Token().text).not.toBe(token.text);
    expect(token.isIn(`Bearer ${token.text}`)).toBe(true);
    const wrong = [
      undefined,
      '',
      'Bearer',
      'Bearer ',
      token.text,
      `Basic ${token.text}`,
      `Bearer ${token.text}x`,
      `Bearer ${token.text.slice(1)}`,
      `bearer ${token.text}`,
    ];
    expect(wrong.filter((each) => token.isIn(each))).toEqual([]);
  });
});
