import type { Part } from '../../../functions/shared/domain/part.ts';

/** Returns how many rows of the parts are done, by the API's last reports. Rows that run again are not done. */
export function rowsDone(parts: readonly Part[]): number {
  return parts.reduce((sum, part) => {
    if (part.delivered) return sum + part.rows;
    const again = part.earlierResults?.again.rows ?? part.rows;
    const { completed = 0, failed = 0 } = part.batch?.counts ?? {};
    return sum + part.rows - again + Math.min(completed + failed, again);
  }, 0);
}
