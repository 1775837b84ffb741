/*
 * The only rule for the base URL of a Batch API. The API key is sent to it, so it must be https, except for this
 * machine. A query, a fragment or a trailing slash would have no meaning, because paths are appended to the URL. Only
 * ASCII is allowed, because invisible characters come along when a URL is copied.
 */

/** Base URL of OpenAI's own API. */
export const OPENAI_BASE_URL = 'https://api.openai.com/v1';

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** What examples of other clients add to a base URL. */
const CALL =
  /\/v1(\/(?:batches|chat\/completions|completions|embeddings|files|models|moderations|responses))\/*$/;

/** Returns whether a URL leads to this machine. */
export function isLoopback(url: string): boolean {
  return LOOPBACK.test(new URL(url).hostname);
}

/**
 * Parses a base URL. `url` has no trailing slash. `problem` continues a sentence that begins with the name of the
 * setting. It does not quote the text, which may contain a password.
 */
export function parseBaseUrl(text: string): { url: string } | { problem: string } {
  if (!/^[!-~]+$/.test(text) || !URL.canParse(text)) {
    return { problem: `is not a URL; set one such as ${OPENAI_BASE_URL}` };
  }
  const { protocol, hostname, username, password, origin, pathname } = new URL(text);
  if (protocol !== 'https:' && !(protocol === 'http:' && LOOPBACK.test(hostname))) {
    return {
      problem: 'must start with https:// to keep the API key secret; http:// is for this machine only',
    };
  }
  if (username !== '' || password !== '') {
    return { problem: 'must not contain a user name or password; remove them' };
  }
  if (/[?#]/.test(text))
    return { problem: 'must not contain a query or fragment; remove "?" or "#" and the rest' };
  const call = CALL.exec(pathname);
  if (call) return { problem: `must not contain the path of a call; remove ${call[1]}` };
  return { url: origin + pathname.replace(/\/+$/, '') };
}
