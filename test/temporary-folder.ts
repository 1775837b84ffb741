import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Gives all tests one temporary folder. It is deleted at the end, with everything that a test left in it. */
export default function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'batchdrop-tests-'));
  process.env.TMPDIR = folder;
  process.env.NODE_COMPILE_CACHE = join(folder, 'compiled'); // a child process loads the CDK in two thirds of the time
  process.env.SHARED_BY_TESTS = folder; // for builds that several files share: see packagedCommand in integration/child-runtime.ts
  return () => rmSync(folder, { recursive: true, force: true });
}
