import { DISK_FULL, isDiskFull } from '../../local/disk-full.ts';

/**
 * If the disk is full and a write outside of any request fails, ends this process with a sentence and exit code 1. That
 * is as harmless as a kill: everything that was confirmed is on the disk, and the next start continues. `release`
 * removes what only a running process needs. Any other error ends the process as usual. Returns a function that undoes
 * this.
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
