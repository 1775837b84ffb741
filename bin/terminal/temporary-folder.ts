import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { STOP_SIGNALS } from './stop-signal.ts';

const folders = new Set<string>();

/** A folder that only this user can read, for files that nobody needs after this process. */
export interface TemporaryFolder {
  readonly path: string;
  /** Deletes it. The end of the process and a signal that ends the process delete it as well. */
  discard(): void;
}

/** Makes a temporary folder. `name`: what its name begins with. Errors: those of the disk. */
export function temporaryFolder(name: string): TemporaryFolder {
  if (folders.size === 0) watchTheEnd(); // before there is a folder that a signal could leave behind
  const path = mkdtempSync(join(tmpdir(), `${name}-`)); // mode 0700
  folders.add(path);
  return {
    path,
    discard: () => {
      rmSync(path, { recursive: true, force: true });
      if (folders.delete(path) && folders.size === 0) unwatchTheEnd();
    },
  };
}

function watchTheEnd(): void {
  process.on('exit', deleteAll);
  for (const signal of STOP_SIGNALS) process.on(signal, endBy);
}

function unwatchTheEnd(): void {
  process.removeListener('exit', deleteAll);
  for (const signal of STOP_SIGNALS) process.removeListener(signal, endBy);
}

/** A signal that something else handles does not end the process yet: that may still need the folders. */
function endBy(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return;
  deleteAll();
  process.removeListener(signal, endBy);
  process.kill(process.pid, signal);
}

function deleteAll(): void {
  for (const path of folders) rmSync(path, { recursive: true, force: true });
}
