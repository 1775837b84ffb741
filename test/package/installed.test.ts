import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { at } from '../stack/template-reading.ts';
import {
  archiveIn,
  CDK,
  install,
  NEWEST_PEERS,
  newFolder,
  PROJECT,
  peersAt,
  run,
} from './installed-package.ts';

const COMPILER = join(PROJECT, 'node_modules/typescript/bin/tsc');

/** An app of another developer. It can reach nothing of this project except what was installed. */
const APP = {
  'app.ts': `
import { App, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { Batchdrop } from 'batchdrop';
import { type BatchdropEvent, hasEnded } from 'batchdrop/events';
import schema from 'batchdrop/events/job-status-change.schema.json' with { type: 'json' };
import type { Construct } from 'constructs';

class Reports extends Stack {
  constructor(scope: Construct, id: string, props?: StackProps) {
    super(scope, id, props);
    const batchdrop = new Batchdrop(this, 'Batchdrop', { expireFilesAfter: Duration.days(30) });
    batchdrop.onCompleted('Done', { target: new SqsQueue(new Queue(this, 'Inbox')) });
  }
}

const handler = async (event: BatchdropEvent): Promise<number> => {
  if (event['detail-type'] !== 'OpenAI Batch Job Status Change') return 0;
  const { data } = event.detail;
  return data.status === 'completed' ? data.rows.succeeded : 0;
};
if (!hasEnded('completed') || schema.title !== 'OpenAI Batch Job Status Change') throw new Error(String(handler));
new Reports(new App(), 'Typed');
`,
  'app.mjs': `
import { App } from 'aws-cdk-lib';
import { BatchdropStack } from 'batchdrop';
import { jobStatusPattern } from 'batchdrop/events';

if (jobStatusPattern('failed').source[0] !== 'batchdrop') throw new Error('no pattern');
new BatchdropStack(new App(), 'Plain');
`,
  'app.cjs': `
const { App } = require('aws-cdk-lib');
const { Batchdrop, BatchdropStack } = require('batchdrop');

import('batchdrop').then((imported) => {
  if (imported.Batchdrop !== Batchdrop) throw new Error('there are two classes');
});

new BatchdropStack(new App(), 'Required');
`,
};

let folder: string;

beforeAll(async () => {
  folder = newFolder();
  for (const [name, text] of Object.entries(APP)) writeFileSync(join(folder, name), text);
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  await install(folder, await archiveIn(folder), ...peersAt(NEWEST_PEERS));
}, 300_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Returns the template of the only stack of an app, and the place of its functions' code. */
async function synthesized(app: string, stack: string) {
  const output = join(folder, `${stack}.out`);
  const options = ['synth', '--quiet', '--app', `'${process.execPath}' ${app}`, '--output', output];
  await run(process.execPath, [CDK, ...options], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder },
  });
  const template: unknown = JSON.parse(readFileSync(join(output, `${stack}.template.json`), 'utf8'));
  const resources = Object.values(Object(at(template, 'Resources')));
  const functions = resources.filter((resource) => at(resource, 'Type') === 'AWS::Lambda::Function');
  const codes = functions.map(
    (resource) => String(at(resource, 'Properties', 'Code', 'S3Key')).split('.')[0],
  );
  return codes.map((hash) => readdirSync(join(output, `asset.${hash}`)));
}

describe("in another developer's app", () => {
  it('nothing else is installed: no esbuild, no SDK, one CDK', () => {
    const installed = readdirSync(join(folder, 'node_modules'));
    expect(installed).toContain('batchdrop');
    expect(installed.filter((name) => /^(esbuild|@aws-sdk|dynalite|typescript)$/.test(name))).toEqual([]);
    expect(existsSync(join(folder, 'node_modules/batchdrop/node_modules'))).toBe(false);
  });

  it('the command exists', async () => {
    const { stdout } = await run(process.execPath, [join(folder, 'node_modules/.bin/batchdrop'), '--help'], {
      cwd: folder,
    });
    expect(stdout).toContain('doctor');
  });

  it('the types compile with strict TypeScript', async () => {
    const strict = [
      '--strict',
      '--noEmit',
      '--skipLibCheck',
      '--module',
      'nodenext',
      '--target',
      'es2022',
      '--resolveJsonModule',
    ];
    await run(process.execPath, [COMPILER, ...strict, '--types', '', 'app.ts'], { cwd: folder });
  });

  it('the declarations compile by themselves with the strictest settings', async () => {
    writeFileSync(join(folder, 'all.ts'), "export * from 'batchdrop';\nexport * from 'batchdrop/events';\n");
    const strict = [
      '--strict',
      '--noEmit',
      '--exactOptionalPropertyTypes',
      '--module',
      'nodenext',
      '--target',
      'es2022',
    ];
    const checked = run(process.execPath, [COMPILER, ...strict, '--types', '', 'all.ts'], { cwd: folder });
    const complaints = await checked.then(
      () => '',
      (failure: unknown) => String(Object(failure).stdout),
    );
    // The CDK's own declarations fail with settings stricter than `strict`. Ours do not.
    expect(complaints.split('\n').filter((line) => line.includes('node_modules/batchdrop/'))).toEqual([]);
  });

  it.each([
    ['TypeScript', 'app.ts', 'Typed'],
    ['plain JavaScript', 'app.mjs', 'Plain'],
    ['CommonJS', 'app.cjs', 'Required'],
  ])('cdk synth produces the functions with their code: %s', async (_, app, stack) => {
    const codes = await synthesized(app, stack);
    expect(codes).toHaveLength(6);
    for (const files of codes) expect(files).toEqual(expect.arrayContaining(['index.js', 'package.json']));
    // Code that is loaded later is in separate files.
    for (const files of codes) expect(files.filter((file) => /^[A-Z0-9]{8}\.js$/.test(file))).not.toEqual([]);
  });
});
