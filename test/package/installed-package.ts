/** The package as an app gets it: built, packed, and installed from the archive in a folder that reaches nothing of this project. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { buildPackage } from '../../lib/bundling/build-package.ts';

export const PROJECT = fileURLToPath(new URL('../../', import.meta.url));
export const CDK = join(PROJECT, 'node_modules/aws-cdk/bin/cdk');
export const run = promisify(execFile);

const { dependencies } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8'));

/** The versions that the project develops with, the newest ones. */
export const NEWEST_PEERS: Peers = {
  'aws-cdk-lib': dependencies['aws-cdk-lib'],
  constructs: dependencies.constructs,
};

interface Peers {
  readonly 'aws-cdk-lib': string;
  readonly constructs: string;
}

/** Returns a new folder for an app of another developer. */
export function newFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'batchdrop-app-')));
  writeFileSync(join(folder, 'package.json'), '{ "private": true }');
  return folder;
}

/** Installs packages in a folder, from npm's cache if it has them. */
export async function install(folder: string, ...packages: string[]): Promise<void> {
  const options = ['--prefer-offline', '--no-audit', '--no-fund'];
  await run('npm', ['install', ...options, ...packages], { cwd: folder });
}

/** Builds and packs the package. Returns the archive. */
export async function archiveIn(folder: string): Promise<string> {
  const { stdout } = await run('npm', ['pack', await buildPackage(), '--pack-destination', folder]);
  return join(folder, stdout.trim().split('\n').at(-1) ?? '');
}

/** Returns the versions as `npm install` takes them. */
export function peersAt(versions: Peers): string[] {
  return Object.entries(versions).map(([name, version]) => `${name}@${version}`);
}
