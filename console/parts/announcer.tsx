import { Store } from '../connection/store.ts';
import { useStore } from '../connection/use-store.ts';

const PAUSE_MS = 6_000;

/** Collects what a screen reader should say, and lets it out at most once in six seconds. */
export class Announcer {
  readonly spoken = new Store('');
  #waiting: string[] = [];
  #quietUntil = 0;

  readonly announce = (sentence: string): void => {
    this.#waiting.push(sentence);
    if (this.#waiting.length === 1)
      setTimeout(() => this.#speak(), Math.max(0, this.#quietUntil - Date.now()));
  };

  #speak(): void {
    const [first = '', ...others] = this.#waiting;
    this.#waiting = [];
    this.#quietUntil = Date.now() + PAUSE_MS;
    this.spoken.set(others.length === 0 ? `${first}.` : `${first}, and ${others.length} more changes.`);
  }
}

/** The one live region of the page. */
export function LiveRegion({ announcer }: { announcer: Announcer }) {
  const sentence = useStore(announcer.spoken);
  return (
    <p class="unseen" role="status" aria-live="polite">
      {sentence}
    </p>
  );
}
