import { execFile } from 'node:child_process';
import { existsSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type WrittenTemplate, writeTemplate } from '../../lib/template/write-template.ts';
import { temporaryDirectory } from '../stack/synthesis.ts';

export const run = promisify(execFile);
const PROJECT = fileURLToPath(new URL('../../', import.meta.url));

let written: Promise<WrittenTemplate> | undefined;

/** Writes the template, once for each test file. */
export function theTemplate(): Promise<WrittenTemplate> {
  written ??= writeTemplate(join(temporaryDirectory(), 'dist'));
  return written;
}

/** Unpacks the archive as a user does. Returns the folder with the template. */
export async function unpacked(): Promise<string> {
  const { archive } = await theTemplate();
  const folder = temporaryDirectory();
  await run('unzip', ['-q', archive, '-d', folder]);
  const release = join(
    folder,
    archive
      .split('/')
      .at(-1)
      ?.replace(/\.zip$/, '') ?? '',
  );
  if (!existsSync(release)) throw new Error(`${archive} does not contain a folder of its name`);
  symlinkSync(join(PROJECT, 'node_modules'), join(folder, 'node_modules')); // as if the CDK were installed there
  return release;
}

/** What the tests read of a template. */
export interface ReleasedTemplate {
  readonly Parameters: Readonly<Record<string, { Default?: string | number }>>;
  readonly Resources: Readonly<Record<string, { Type: string; Properties?: Record<string, unknown> }>>;
  readonly Outputs: Readonly<Record<string, { Value: unknown }>>;
}
