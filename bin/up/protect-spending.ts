import type { AwsEvent } from '../../local/aws/events/event.ts';
import type { Connection } from '../connection/connection.ts';
import { ResultsMirror } from '../jobs/results-mirror.ts';
import { SpendConfirmation } from './spend-confirmation.ts';

/** How to ask, and what to tell. */
interface Protection {
  /** Sends all files without asking. */
  readonly yes: boolean;
  /** The URL of the API. */
  readonly api: string;
  readonly ask: (question: string, signal: AbortSignal) => Promise<boolean>;
  readonly print: (line: string) => void;
  readonly stopped: AbortSignal;
  /** The folder for results. */
  readonly directory: string;
}

/** What the run has to tell one Batchdrop's protection. */
interface Protected {
  readonly notice: (event: AwsEvent) => void;
  /** To be called once the runtime is up. */
  readonly whenUp: () => void;
}

/**
 * For an API that costs money: asks before anything of this Batchdrop is sent, and downloads its results into folders. Await it before
 * any function runs.
 */
export async function protectSpending(connection: Connection, options: Protection): Promise<Protected> {
  const { yes, print, directory, ...asking } = options;
  const { instance } = connection.names;
  const isOurs = ({ detail }: AwsEvent) => Object(Object(detail).metadata).instance === instance;
  const results = new ResultsMirror(connection, { directory, print });
  if (yes) {
    const { paused } = await connection.ledger.readControl();
    if (paused) print('An earlier run paused submission. To send waiting files: npx batchdrop resume');
    return {
      notice: (event) => {
        if (isOurs(event)) results.notice(event);
      },
      whenUp: () => results.catchUp(),
    };
  }
  const confirmation = new SpendConfirmation(connection, { ...asking, print });
  await confirmation.pause();
  return {
    notice: (event) => {
      if (!isOurs(event)) return;
      results.notice(event);
      confirmation.notice(event);
    },
    whenUp: () => {
      results.catchUp();
      void confirmation.review();
    },
  };
}

/** Returns a way to ask one question after the other, because there is one terminal. */
export function oneByOne(ask: Protection['ask']): Protection['ask'] {
  let last: Promise<unknown> = Promise.resolve();
  return (question, signal) => {
    const next = last.then(() => (signal.aborted ? false : ask(question, signal)));
    last = next.catch(() => {});
    return next;
  };
}
