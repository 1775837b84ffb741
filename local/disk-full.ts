const SQLITE_FULL = 13;
const CODES: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT']);

/** The message for the user when nothing more can be stored. */
export const DISK_FULL =
  'No space is left on the disk. What was confirmed is stored. Free some space, then try again.';

/** Returns whether something failed because the disk, or a quota on it, is full. */
export function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('code' in error && CODES.has(error.code)) return true;
  if ('errcode' in error && (Number(error.errcode) & 0xff) === SQLITE_FULL) return true;
  return isDiskFull(error.cause);
}
