/**
 * The token of the session. It comes in the fragment of the address, which browsers send to nobody. The page removes it
 * from the address at once and keeps it for this tab only.
 */
const KEPT_AS = 'batchdrop-token';

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

/** The address of a new session can be opened in the tab of an old one, which loads nothing. The page then starts anew. */
export function restartOnNewToken(): void {
  addEventListener('hashchange', () => {
    if (!new URLSearchParams(location.hash.slice(1)).has('token')) return;
    takeToken();
    location.reload();
  });
}
