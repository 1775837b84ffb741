import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Session } from './api.ts';
import type { ApiClient } from './connection/api-client.ts';
import type { JobFeed } from './connection/job-feed.ts';
import type { ServerClock } from './connection/server-clock.ts';

/** What every page needs. */
export interface ConsoleParts {
  readonly api: ApiClient;
  readonly session: Session;
  readonly feed: JobFeed;
  readonly clock: ServerClock;
}

export const ConsoleContext = createContext<ConsoleParts | undefined>(undefined);

export function useConsole(): ConsoleParts {
  const parts = useContext(ConsoleContext);
  if (parts === undefined) throw new Error('This part is outside the console.');
  return parts;
}
