import { cpSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryDirectory } from './synthesis.ts';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));
const FOR_SYNTH = ['bin', 'lib', 'functions', 'cdk.json', 'package.json', 'tsconfig.json'];

/** Copies what synth needs, and `more`, as after `git clone` and `npm ci` without bundles. Returns the folder. */
export function freshClone(...more: string[]): string {
  const clone = temporaryDirectory();
  for (const path of [...FOR_SYNTH, ...more])
    cpSync(join(PROJECT, path), join(clone, path), { recursive: true });
  symlinkSync(join(PROJECT, 'node_modules'), join(clone, 'node_modules'));
  return clone;
}
