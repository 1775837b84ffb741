import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPackage } from '../../lib/bundling/build-package.ts';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));
const CDK = join(PROJECT, 'node_modules/aws-cdk/bin/cdk');
const run = promisify(execFile);

/** As npm's package `node` has them. */
const NODES = ['20.19.5', '22.21.1', '24.9.0'];
const REQUESTS = 'examples/chat-completions.jsonl';

const STACK = `
import { Stack, type StackProps } from 'aws-cdk-lib';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { Batchdrop } from 'batchdrop';
import type { Construct } from 'constructs';

export class ReportsStack extends Stack {
  constructor(scope: Construct, id: string, props?: StackProps) {
    super(scope, id, props);
    const batchdrop = new Batchdrop(this, 'Batchdrop');
    batchdrop.onCompleted('Done', { target: new SqsQueue(new Queue(this, 'Inbox')) });
  }
}
`;

const TEST = `
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Batchdrop } from 'batchdrop';
import { ReportsStack } from '../lib/reports-stack';

test('the stack has a Batchdrop whose events reach the inbox', () => {
  const stack = new ReportsStack(new App(), 'Reports');
  expect(stack.node.findChild('Batchdrop')).toBeInstanceOf(Batchdrop);
  Template.fromStack(stack).hasResourceProperties('AWS::Events::Rule', {
    EventPattern: { 'detail-type': ['OpenAI Batch Job Status Change'] },
  });
});
`;

let folder: string;
let app: string;

const npm = (at: string, ...options: string[]) =>
  run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', ...options], { cwd: at });

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'batchdrop-init-')));
  app = join(folder, 'reports');
  mkdirSync(app);
  const { stdout } = await run('npm', ['pack', await buildPackage(), '--pack-destination', folder]);
  const archive = join(folder, stdout.trim().split('\n').at(-1) ?? '');
  const init = ['init', 'app', '--language', 'typescript', '--generate-only'];
  await run(process.execPath, [CDK, ...init], { cwd: app, env: { PATH: process.env.PATH, HOME: folder } });
  const { dependencies } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8'));
  await npm(app, archive, ...['aws-cdk-lib', 'constructs'].map((name) => `${name}@${dependencies[name]}`));
  writeFileSync(join(app, 'lib/reports-stack.ts'), STACK);
  writeFileSync(join(app, 'test/reports.test.ts'), TEST);
}, 600_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('in an app that `cdk init` made', () => {
  it('the types compile with its settings', async () => {
    await run(process.execPath, [join(app, 'node_modules/typescript/bin/tsc'), '--noEmit'], { cwd: app });
  });

  it.each(NODES)('jest passes on Node %s, and the command estimates a file', async (version) => {
    const nodes = join(folder, version);
    mkdirSync(nodes);
    writeFileSync(join(nodes, 'package.json'), '{ "private": true }');
    await npm(nodes, `node@${version}`);
    const node = join(nodes, 'node_modules/node/bin/node');
    expect((await run(node, ['--version'])).stdout.trim()).toBe(`v${version}`);
    const { stderr } = await run(node, [join(app, 'node_modules/jest/bin/jest.js')], { cwd: app });
    expect(stderr).toContain('1 passed, 1 total');
    const command = join(app, 'node_modules/batchdrop/bin/batchdrop.cjs');
    const { stdout } = await run(node, [command, 'submit', '--dry-run', REQUESTS], { cwd: PROJECT });
    expect(stdout).toContain('list price of');
  });
});
