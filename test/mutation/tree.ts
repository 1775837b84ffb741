import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { scannerBytes } from '../../functions/shared/scanner/scanner-bytes.ts';

const COPIED = [
  'bin',
  'console',
  'dist/scanner',
  'docs',
  'examples',
  'functions',
  'lib',
  'local',
  'test',
  'cdk.json',
  'package.json',
  'tsconfig.json',
];

/** A copy of what the tests need, in a temporary directory, in which files can be changed and put back. */
export class Tree {
  readonly directory = mkdtempSync(join(tmpdir(), 'batchdrop-mutants-'));
  readonly #project: string;
  readonly #originals = new Map<string, string>();

  constructor(project: string) {
    this.#project = project;
    scannerBytes(); // compiled now, if it was not before
    for (const path of COPIED) cpSync(join(project, path), join(this.directory, path), { recursive: true });
    mkdirSync(join(this.directory, 'tmp'));
    symlinkSync(join(project, 'node_modules'), join(this.directory, 'node_modules'));
  }

  /** As it was in the project when it was first asked for: a run takes an hour, in which somebody may work there. */
  original(file: string): string {
    const known = this.#originals.get(file);
    if (known !== undefined) return known;
    const source = readFileSync(join(this.#project, file), 'utf8');
    this.#originals.set(file, source);
    return source;
  }

  write(file: string, source: string): void {
    writeFileSync(join(this.directory, file), source);
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
