/**
 * The token of the session. It comes in the fragment of the address, which browsers send to nobody. The page removes it
 * from the address at once and keeps it for this tab only. A tab without one, such as a link that was opened in a new tab,
 * asks the other tabs of this console: a channel reaches only pages of the same host and port.
 */
const KEPT_AS = 'batchdrop-token';
const CHANNEL = 'batchdrop-token';
const QUESTION = 'token?';
const PATIENCE_MS = 500; // a tab in the background answers later than one that is seen

/** Returns the token of this tab; undefined if the tab never had one. */
export function takeToken(): string | undefined {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const brought = fragment.get('token');
  if (brought !== null) {
    sessionStorage.setItem(KEPT_AS, brought);
    history.replaceState(null, '', location.pathname);
  }
  return sessionStorage.getItem(KEPT_AS) ?? undefined;
}

/** Answers tabs that have no token. */
export function shareToken(token: string): void {
  const channel = new BroadcastChannel(CHANNEL);
  channel.onmessage = ({ data }) => {
    if (data === QUESTION) channel.postMessage({ token });
  };
}

/** Returns the token of another tab of this console, and keeps it; undefined if no tab answers. */
export async function tokenOfAnotherTab(): Promise<string | undefined> {
  const channel = new BroadcastChannel(CHANNEL);
  const token = await new Promise<string | undefined>((resolve) => {
    channel.onmessage = ({ data }) => {
      if (typeof data?.token === 'string') resolve(data.token);
    };
    setTimeout(resolve, PATIENCE_MS);
    channel.postMessage(QUESTION);
  });
  channel.close();
  if (token !== undefined) sessionStorage.setItem(KEPT_AS, token);
  return token;
}

/** The address of a new session can be opened in the tab of an old one, which loads nothing. The page then starts anew. */
export function restartOnNewToken(): void {
  addEventListener('hashchange', () => {
    if (!new URLSearchParams(location.hash.slice(1)).has('token')) return;
    takeToken();
    location.reload();
  });
}
