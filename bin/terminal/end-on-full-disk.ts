import { DISK_FULL, isDiskFull } from '../../local/disk-full.ts';

/**
 * Ends this process with a sentence and exit code 1 when its disk is full and a write outside of any request fails. That is as harmless as a
 * kill: whatever was confirmed is on the disk, and the next start continues. `release` removes what only a running process leaves. Any other
 * error ends the process as before. Returns a function that undoes this.
 */
export function endOnFullDisk(release: () => void): () => void {
  const end = (error: unknown) => {
    console.error(isDiskFull(error) ? DISK_FULL : error);
    try {
      release();
    } finally {
      process.exit(1);
    }
  };
  process.once('uncaughtException', end);
  return () => void process.off('uncaughtException', end);
}
