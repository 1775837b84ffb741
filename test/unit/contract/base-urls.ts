/** Base URLs, and what becomes of them. */
export const ACCEPTED: [text: string, url: string][] = [
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

/** What is no base URL, and how the reason begins. */
export const REFUSED: [text: string, problem: string][] = [
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
