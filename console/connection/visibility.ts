import type { Visibility } from './job-feed.ts';

export const pageVisibility: Visibility = {
  get hidden() {
    return document.hidden;
  },
  follow(listener, signal) {
    document.addEventListener('visibilitychange', listener, { signal });
  },
};
