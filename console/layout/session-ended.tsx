import { Mark } from '../parts/icon.tsx';

/** There is no valid token: only the terminal has one. */
export function SessionEnded() {
  return (
    <main class="page alone">
      <div class="empty">
        <Mark />
        <h1>This session has ended</h1>
        <p>Open the address that your terminal shows. It is new each time the console starts.</p>
        <p class="quiet">
          If the console no longer runs, start it with <code>npm start</code> or{' '}
          <code>npx batchdrop console</code>.
        </p>
      </div>
    </main>
  );
}
