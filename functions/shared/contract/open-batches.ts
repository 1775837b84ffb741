/**
 * The maximum number of open batches if limits are set. POLL lists each in one ledger item: an entry takes 200 bytes,
 * and an item can have 400 KB.
 */
export const MAX_OPEN_BATCHES = 1_500;

/** The same item lists the shares of which parts wait: so many characters of a name distinguish it. */
export const MAX_SHARE_NAME = 48;
