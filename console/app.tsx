import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import type { Route } from './address/route.ts';
import { useRoute } from './address/use-route.ts';
import type { ApiClient } from './connection/api-client.ts';
import type { JobFeed } from './connection/job-feed.ts';
import type { ServerClock } from './connection/server-clock.ts';
import { useAnswer } from './connection/use-answer.ts';
import { useStore } from './connection/use-store.ts';
import { ConsoleContext } from './console-context.ts';
import { announceChanges } from './layout/announce-changes.ts';
import { SessionEnded } from './layout/session-ended.tsx';
import { Shell } from './layout/shell.tsx';
import { DropPage } from './pages/drop/drop-page.tsx';
import { JobPage } from './pages/job/job-page.tsx';
import { JobsPage } from './pages/jobs/jobs-page.tsx';
import { OverviewPage } from './pages/overview/overview-page.tsx';
import { Announcer, LiveRegion } from './parts/announcer.tsx';
import { Empty, FailureNotice } from './parts/notice.tsx';

interface AppProps {
  readonly api: ApiClient;
  readonly feed: JobFeed;
  readonly clock: ServerClock;
}

/** The console: it learns which Batchdrop it shows, and then shows the page of the address. */
export function App({ api, feed, clock }: AppProps) {
  const { answer: session, failure, askAgain } = useAnswer(() => api.session(), []);
  const { connection, reads } = useStore(feed.state);
  const announcer = useMemo(() => new Announcer(), []);
  const route = useRoute();
  useEffect(() => announceChanges(feed, announcer.announce), [feed, announcer]);
  useEffect(() => session && clock.set(session.now), [session, clock]);
  useEffect(() => reads && clock.set(reads.now), [reads, clock]);
  useFreshPage(route);
  if (connection === 'ended' || failure?.kind === 'session') return <SessionEnded />;
  if (!session)
    return (
      <main class="page alone">
        {failure ? (
          <FailureNotice failure={failure} onRetry={askAgain} />
        ) : (
          <Empty title="Opening the console…" />
        )}
      </main>
    );
  return (
    <ConsoleContext.Provider value={{ api, session, feed, clock }}>
      <LiveRegion announcer={announcer} />
      <Shell route={route}>
        <Page route={route} />
      </Shell>
    </ConsoleContext.Provider>
  );
}

function Page({ route }: { route: Route }) {
  switch (route.page) {
    case 'jobs':
      return <JobsPage filter={route.filter} />;
    case 'job':
      return <JobPage key={route.jobId} jobId={route.jobId} />;
    case 'overview':
      return <OverviewPage />;
    case 'drop':
      return <DropPage />;
  }
}

const TITLES = { jobs: 'Jobs', job: 'Job', overview: 'Overview', drop: 'Drop a file' } as const;

/** A new page begins at its top, has its own title, and gets the focus, as if it had been loaded. */
function useFreshPage(route: Route): void {
  const name = route.page === 'job' ? route.jobId : route.page;
  const shown = useRef(name);
  // At once: a key that is pressed in the new page must not lose its place.
  useLayoutEffect(() => {
    document.title = `${TITLES[route.page]} – Batchdrop`;
    if (shown.current === name) return;
    shown.current = name;
    scrollTo(0, 0);
    document.querySelector('main')?.focus({ preventScroll: true });
  }, [name, route.page]);
}
