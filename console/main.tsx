/** The page of the console. Its bundle is `console.js`, beside `console.css` and `index.html`. */
import { render } from 'preact';
import { App } from './app.tsx';
import { ApiClient } from './connection/api-client.ts';
import { JobFeed } from './connection/job-feed.ts';
import { ServerClock } from './connection/server-clock.ts';
import { restartOnNewToken, shareToken, takeToken, tokenOfAnotherTab } from './connection/token.ts';
import { pageVisibility } from './connection/visibility.ts';
import { SessionEnded } from './layout/session-ended.tsx';

async function start(root: HTMLElement): Promise<void> {
  restartOnNewToken();
  const token = takeToken() ?? (await tokenOfAnotherTab());
  if (token === undefined) return render(<SessionEnded />, root);
  shareToken(token);
  const api = new ApiClient(token);
  const feed = new JobFeed(api, pageVisibility);
  render(<App api={api} feed={feed} clock={new ServerClock()} />, root);
  void feed.run();
}

const root = document.getElementById('console');
if (root !== null) void start(root);
