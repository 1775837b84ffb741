import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Gives all tests one temporary folder, which is deleted at the end with whatever a test left in it. */
export default function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'batchdrop-tests-'));
  process.env.TMPDIR = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}
