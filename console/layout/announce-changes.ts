import type { Change, JobFeed } from '../connection/job-feed.ts';
import { standing } from '../words/statuses.ts';

/** Says when a job begins, ends, or needs a person. Progress alone is not said. Returns the function that ends it. */
export function announceChanges(feed: JobFeed, announce: (sentence: string) => void): () => void {
  return feed.changes.follow((changes) => {
    for (const { after } of changes.filter(isNews)) announce(standing(after));
  });
}

function isNews({ before, after }: Change): boolean {
  return before?.status !== after.status || (after.stalled && !before.stalled);
}
