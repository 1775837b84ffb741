/**
 * Writes the CloudFormation template, for accounts without the CDK, to `dist/template`, and all of it as one archive to
 * `dist/batchdrop-template-VERSION.zip`. `-c NAME=VALUE`, as in `cdk deploy -c`, fixes what is not a parameter of the template.
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bundleFunctions } from '../bundling/bundle.ts';
import { contextPair } from '../context-pair.ts';
import { type SynthesizedTemplate, synthesizeTemplate } from './synthesize-template.ts';
import { zipArchive } from './zip-archive.ts';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));
const TEMPLATE = 'batchdrop.template.json';
/** The ways to deploy it: scripts and templates for the AWS CLI, SAM, Terraform and the CDK. */
const RECIPES = join(PROJECT, 'examples', 'cloudformation');

/** What was written. */
export interface WrittenTemplate {
  /** The folder with the template and its archives. */
  readonly folder: string;
  /** The archive of the folder. */
  readonly archive: string;
}

/**
 * Bundles the functions and writes the template with its archives and their checksums into a folder, and an archive of it.
 * Errors: as `synthesizeTemplate`.
 */
export async function writeTemplate(
  target: string = join(PROJECT, 'dist'),
  context: Readonly<Record<string, string>> = {},
): Promise<WrittenTemplate> {
  const { version } = JSON.parse(await readFile(join(PROJECT, 'package.json'), 'utf8'));
  await bundleFunctions();
  const synthesized = synthesizeTemplate({ version, context, validate: true });
  const files = await releaseFiles(synthesized);
  const folder = join(target, 'template');
  await rm(folder, { recursive: true, force: true });
  for (const [path, content] of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content, { mode: path.endsWith('.sh') ? 0o755 : 0o644 });
  }
  const name = `batchdrop-template-${version}`;
  const archive = join(target, `${name}.zip`);
  const bytes = zipArchive(new Map([...files].map(([path, content]) => [`${name}/${path}`, content])));
  await writeFile(archive, bytes);
  await writeFile(`${archive}.sha256`, checksumLine(`${name}.zip`, bytes));
  return { folder, archive };
}

async function releaseFiles({ template, archives }: SynthesizedTemplate): Promise<Map<string, Buffer>> {
  const files = new Map([[TEMPLATE, Buffer.from(template)], ...archives]);
  for (const entry of await readdir(RECIPES, { withFileTypes: true }))
    if (entry.isFile()) files.set(`recipes/${entry.name}`, await readFile(join(RECIPES, entry.name)));
  files.set('LICENSE', await readFile(join(PROJECT, 'LICENSE')));
  const sums = [...files].map(([path, content]) => checksumLine(path, content)).join('');
  return files.set('SHA256SUMS', Buffer.from(sums));
}

/** As `sha256sum` prints it and `sha256sum --check` reads it. */
function checksumLine(path: string, content: Buffer): string {
  return `${createHash('sha256').update(content).digest('hex')}  ${path}\n`;
}

/** Reads `-c NAME=VALUE` from the command line. */
function contextFrom(args: string[]): Record<string, string> {
  const { values } = parseArgs({
    args,
    options: { context: { type: 'string', short: 'c', multiple: true } },
  });
  const pairs = (values.context ?? []).map((given) => {
    const pair = contextPair(given);
    if (pair === undefined) throw new Error(`-c ${given}: it must be NAME=VALUE, such as pollMinutes=5.`);
    return [pair.name, pair.value];
  });
  return Object.fromEntries(pairs);
}

if (import.meta.main) {
  try {
    const { folder, archive } = await writeTemplate(undefined, contextFrom(process.argv.slice(2)));
    console.log(`${folder}/${TEMPLATE}\n${archive}`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
