import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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

/** As npm's package `node` has them. */
const NODES = ['20.19.5', '22.21.1', '24.9.0'];
const REQUESTS = 'examples/chat-completions.jsonl';

/** The stack of the README, "In your own CDK app". */
const [STACK = ''] = readFileSync(join(PROJECT, 'README.md'), 'utf8')
  .split('```')
  .filter((block) => block.startsWith('ts\n') && block.includes('class ReportsStack'))
  .map((block) => block.slice('ts\n'.length));

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

beforeAll(async () => {
  folder = newFolder();
  app = join(folder, 'reports');
  mkdirSync(app);
  const archive = await archiveIn(folder);
  const init = ['init', 'app', '--language', 'typescript', '--generate-only'];
  await run(process.execPath, [CDK, ...init], { cwd: app, env: { PATH: process.env.PATH, HOME: folder } });
  await install(app, archive, ...peersAt(NEWEST_PEERS));
  expect(STACK).toContain("from 'batchdrop'");
  writeFileSync(join(app, 'lib/reports-stack.ts'), STACK);
  writeFileSync(join(app, 'test/reports.test.ts'), TEST);
}, 600_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('in an app that `cdk init` made', () => {
  it('the types compile with its settings', async () => {
    await run(process.execPath, [join(app, 'node_modules/typescript/bin/tsc'), '--noEmit'], { cwd: app });
  });

  it('`cdk synth` writes a template with the subscriber', async () => {
    const synth = ['synth', '--quiet', '--output', join(folder, 'cdk.out')];
    await run(process.execPath, [CDK, ...synth], { cwd: app, env: { PATH: process.env.PATH, HOME: folder } });
    const template = readFileSync(join(folder, 'cdk.out/ReportsStack.template.json'), 'utf8');
    expect(template).toContain('OpenAI Batch Job Status Change');
  });

  it.each(NODES)('jest passes on Node %s, and the command estimates a file', async (version) => {
    const nodes = join(folder, version);
    mkdirSync(nodes);
    writeFileSync(join(nodes, 'package.json'), '{ "private": true }');
    await install(nodes, `node@${version}`);
    const node = join(nodes, 'node_modules/node/bin/node');
    expect((await run(node, ['--version'])).stdout.trim()).toBe(`v${version}`);
    const { stderr } = await run(node, [join(app, 'node_modules/jest/bin/jest.js')], { cwd: app });
    expect(stderr).toContain('1 passed, 1 total');
    const command = join(app, 'node_modules/batchdrop/bin/batchdrop.mjs');
    const { stdout } = await run(node, [command, 'submit', '--dry-run', REQUESTS], { cwd: PROJECT });
    expect(stdout).toContain('list price of');
  });
});
