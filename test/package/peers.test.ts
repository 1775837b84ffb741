import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LOWEST_PEERS } from '../../lib/bundling/build-package.ts';
import { archiveIn, install, NEWEST_PEERS, newFolder, PROJECT, peersAt, run } from './installed-package.ts';

/** Uses what needs most of the CDK: every resource that a prop may create, and a subscriber. */
const APP = `
import { App, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { Key } from 'aws-cdk-lib/aws-kms';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { Batchdrop, BatchdropStack } from 'batchdrop';

const app = new App({ outdir: process.argv[2] ?? 'cdk.out' });
new BatchdropStack(app, 'Plain', { expireFilesAfter: Duration.days(30) });
const stack = new Stack(app, 'Full');
const vpc = new Vpc(stack, 'Vpc');
const batchdrop = new Batchdrop(stack, 'Batchdrop', {
  requestBucket: new Bucket(stack, 'Requests', { versioned: true, eventBridgeEnabled: true }),
  eventBus: EventBus.fromEventBusName(stack, 'Bus', 'default'),
  webhook: { reservedConcurrency: 5 },
  observeInterval: Duration.minutes(15),
  removalPolicy: RemovalPolicy.DESTROY,
  budget: { perDay: 200 },
  encryptionKey: new Key(stack, 'Key'),
  vpc,
  securityGroups: [new SecurityGroup(stack, 'Outbound', { vpc })],
  logGroup: new LogGroup(stack, 'Logs'),
  alarmAction: new SnsAction(new Topic(stack, 'Topic')),
});
batchdrop.onCompleted('Done', { target: new SqsQueue(new Queue(stack, 'Inbox')) });
batchdrop.metricCost().createAlarm(stack, 'Costly', { threshold: 50, evaluationPeriods: 1 });
app.synth();
`;

const COMPILER = join(PROJECT, 'node_modules/typescript/bin/tsc');
const folders: string[] = [];
let archive: string;

beforeAll(async () => {
  const folder = newFolder();
  folders.push(folder);
  archive = await archiveIn(folder);
}, 300_000);

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

describe.each([
  ['the lowest versions', LOWEST_PEERS],
  ['the newest versions', NEWEST_PEERS],
])('with %s of the CDK', (_, versions) => {
  it('an app compiles and synthesizes', async () => {
    const folder = newFolder();
    folders.push(folder);
    // npm itself refuses versions outside of the package's peer range.
    await install(folder, archive, ...peersAt(versions));
    for (const [name, version] of Object.entries(versions)) {
      const manifest = readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8');
      expect(JSON.parse(manifest).version).toBe(version);
    }
    writeFileSync(join(folder, 'app.mts'), APP);
    const options = ['--strict', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2022'];
    const types = ['--typeRoots', join(PROJECT, 'node_modules/@types'), '--types', 'node'];
    await run(process.execPath, [COMPILER, ...options, ...types, 'app.mts'], { cwd: folder });
    await run(process.execPath, ['app.mjs', 'cdk.out'], { cwd: folder });
    const template = JSON.parse(readFileSync(join(folder, 'cdk.out/Full.template.json'), 'utf8'));
    const kinds = Object.values<{ Type: string }>(template.Resources).map(({ Type }) => Type);
    expect(kinds.filter((type) => type === 'AWS::Lambda::Function').length).toBeGreaterThanOrEqual(7);
    expect(kinds).toEqual(expect.arrayContaining(['AWS::Scheduler::Schedule', 'AWS::Lambda::Url']));
  }, 600_000);
});
