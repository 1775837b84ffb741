/** The page of the console. Its bundle is `console.js`, beside `console.css` and `index.html`. */
import { render } from 'preact';
import { App } from './app.tsx';
import { ApiClient } from './connection/api-client.ts';
import { JobFeed } from './connection/job-feed.ts';
import { ServerClock } from './connection/server-clock.ts';
import { restartOnNewToken, takeToken } from './connection/token.ts';
import { pageVisibility } from './connection/visibility.ts';
import { SessionEnded } from './layout/session-ended.tsx';

const root = document.getElementById('console');
const token = takeToken();
restartOnNewToken();
if (root !== null && token === undefined) render(<SessionEnded />, root);
if (root !== null && token !== undefined) {
  const api = new ApiClient(token);
  const feed = new JobFeed(api, pageVisibility);
  render(<App api={api} feed={feed} clock={new ServerClock()} />, root);
  void feed.run();
}
