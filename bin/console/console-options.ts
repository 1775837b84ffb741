import type { Connection } from '../connection/connection.ts';

/** What the console shows, and where. */
export interface ConsoleOptions {
  /** 0 for any free one. Absent: 4567, or any free one if that is taken. */
  readonly port?: number;
  /** Whether the page may only look. */
  readonly readOnly?: boolean;
  /** Called once, at the first request. `onLedgerRead` must be called at each read of the ledger. */
  readonly connect: (onLedgerRead: () => void) => Promise<Connection>;
  /** How often the ledger is read while a page is open, in milliseconds. */
  readonly refreshMs?: number;
}
