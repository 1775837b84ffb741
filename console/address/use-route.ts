import { useEffect, useState } from 'preact/hooks';
import { addressOf, type Route, routeOf } from './route.ts';

/** The route of the address bar. */
export function useRoute(): Route {
  const [route, setRoute] = useState(() => routeOf(location.hash));
  useEffect(() => {
    const changed = new AbortController();
    addEventListener('hashchange', () => setRoute(routeOf(location.hash)), { signal: changed.signal });
    return () => changed.abort();
  }, []);
  return route;
}

/** Goes to another page. The back button returns. */
export function goTo(route: Route): void {
  location.hash = addressOf(route);
}

/** Changes what the page shows, without a new entry for the back button. */
export function amendAddress(route: Route): void {
  history.replaceState(null, '', addressOf(route));
  dispatchEvent(new HashChangeEvent('hashchange'));
}
