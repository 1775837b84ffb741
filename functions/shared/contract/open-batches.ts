/**
 * So many batches may be open at once where limits are set. POLL keeps account of each in one item of the ledger: an entry
 * takes 200 bytes, the item 400 KB at the most.
 */
export const MAX_OPEN_BATCHES = 1_500;

/** The same item lists the shares of which parts wait: so many characters of a name distinguish it. */
export const MAX_SHARE_NAME = 48;
