import type { ComponentChildren } from 'preact';
import { NO_FILTER } from '../address/job-filter.ts';
import { addressOf, type Route } from '../address/route.ts';
import type { Connection } from '../connection/job-feed.ts';
import { useStore } from '../connection/use-store.ts';
import { useConsole } from '../console-context.ts';
import { useWindowDrop } from '../pages/drop/dropped-file.ts';
import { Icon, Mark } from '../parts/icon.tsx';
import { Notice } from '../parts/notice.tsx';
import { rounded } from '../words/amounts.ts';
import { placeText } from '../words/place.ts';

const PAGES: readonly { readonly label: string; readonly route: Route }[] = [
  { label: 'Jobs', route: { page: 'jobs', filter: NO_FILTER } },
  { label: 'Overview', route: { page: 'overview' } },
  { label: 'Drop', route: { page: 'drop' } },
];

/** What surrounds every page: where one is, the way to the others, and whether what one sees is current. */
export function Shell({ route, children }: { route: Route; children: ComponentChildren }) {
  const { feed } = useConsole();
  const { connection, reads } = useStore(feed.state);
  const isOver = useWindowDrop();
  const current = route.page === 'job' ? 'jobs' : route.page;
  return (
    <div class={`shell on-${route.page}`}>
      <header class="top">
        <a class="brand" href={addressOf({ page: 'jobs', filter: NO_FILTER })}>
          <Mark />
          Batchdrop
        </a>
        <nav aria-label="Pages">
          {PAGES.map((page) => (
            <a
              key={page.label}
              href={addressOf(page.route)}
              aria-current={page.route.page === current ? 'page' : undefined}
            >
              {page.label}
            </a>
          ))}
        </nav>
        <Place />
      </header>
      {connection === 'lost' && (
        <Notice tone="warning">
          <p>
            The console does not answer, so what you see may be out of date. Check that the command still runs
            in your terminal. This page tries again by itself.
          </p>
        </Notice>
      )}
      {connection === 'live' && reads?.problem !== undefined && (
        <Notice tone="warning">
          <p>The ledger cannot be read now: {reads.problem} What you see may be out of date.</p>
        </Notice>
      )}
      <main tabIndex={-1}>{children}</main>
      {isOver && <div class="drop-veil">Drop the file to check it</div>}
    </div>
  );
}

/** Which Batchdrop it is, and how current the page. */
function Place() {
  const { session, feed } = useConsole();
  const { connection, reads } = useStore(feed.state);
  const [shape, tone, word] = LIVENESS[connection];
  return (
    <div class="place">
      <span class="which" title={`Batchdrop ${session.version}`}>
        {placeText(session)}
      </span>
      {!session.mayOperate && <span class="tag">Read-only</span>}
      {session.simulatedTime && <span class="tag">Simulated time</span>}
      <span class="status" title={reads && `${reads.total} reads of the ledger so far`}>
        <Icon shape={shape} tone={tone} />
        <span>
          {word}
          {reads && connection === 'live' && (
            <span class="reads"> · {rounded(reads.perHour)} reads per hour</span>
          )}
        </span>
      </span>
    </div>
  );
}

const LIVENESS = {
  connecting: ['dots', 'quiet', 'Connecting'],
  live: ['check', 'good', 'Live'],
  lost: ['triangle', 'warning', 'Trying again'],
  ended: ['cross', 'bad', 'Ended'],
} as const satisfies Record<Connection, readonly string[]>;
