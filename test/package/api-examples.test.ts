/*
 * Type-checks the example of each docstring of the package, which docs/api.md repeats. An example of a type or of a prop is
 * a value of that type; every other one is code. What the examples share is in `SHARED`.
 */
import { execFile } from 'node:child_process';
import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync } from 'oxc-parser';
import { expect, it } from 'vitest';
import { type Declaration, publishedDeclarations } from '../../docs/published-declarations.ts';
import { newFolder, PROJECT } from './installed-package.ts';

const COMPILER = join(PROJECT, 'node_modules/typescript/bin/tsc');

const SHARED = `
import { type App, type Stack } from 'aws-cdk-lib';
import { type Vpc as OneVpc } from 'aws-cdk-lib/aws-ec2';
import { type Function as OneFunction } from 'aws-cdk-lib/aws-lambda';
import { type Bucket as OneBucket } from 'aws-cdk-lib/aws-s3';
import { type Topic } from 'aws-cdk-lib/aws-sns';
import { type Queue } from 'aws-cdk-lib/aws-sqs';
import { type Batchdrop as OneBatchdrop } from 'batchdrop';
import { type BatchdropEvent as OneEvent, type FindingExcerpt as Findings } from 'batchdrop/events';

export { CfnOutput, Duration, RemovalPolicy } from 'aws-cdk-lib';
export { Metric } from 'aws-cdk-lib/aws-cloudwatch';
export { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
export { SecurityGroup, SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2';
export { EventBus, Rule } from 'aws-cdk-lib/aws-events';
export { LambdaFunction, SnsTopic, SqsQueue } from 'aws-cdk-lib/aws-events-targets';
export { Key } from 'aws-cdk-lib/aws-kms';
export { LayerVersion } from 'aws-cdk-lib/aws-lambda';
export { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
export { Bucket } from 'aws-cdk-lib/aws-s3';
export { Secret } from 'aws-cdk-lib/aws-secretsmanager';
export { DefinitionBody, JsonPath, QueryLanguage, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
export * from 'batchdrop';
export * from 'batchdrop/events';

export declare const app: App;
export declare const stack: Stack;
export declare const queue: Queue;
export declare const topic: Topic;
export declare const vpc: OneVpc;
export declare const inbox: OneBucket;
export declare const reportFunction: OneFunction;
export declare const batchdrop: OneBatchdrop;
export declare const event: OneEvent;
export declare const findings: Findings;
export declare const rows: readonly string[];
`;

const TSCONFIG = {
  extends: join(PROJECT, 'tsconfig.json'),
  compilerOptions: {
    noUnusedLocals: false,
    exactOptionalPropertyTypes: false, // with it, the CDK's classes do not match the CDK's interfaces
    verbatimModuleSyntax: false,
    typeRoots: [join(PROJECT, 'node_modules/@types')],
    paths: {
      batchdrop: [join(PROJECT, 'lib/index.ts')],
      'batchdrop/events': [join(PROJECT, 'functions/shared/contract/index.ts')],
    },
  },
  include: ['*.ts'],
};

/** An example, and the type of which it may be a value. */
interface Example {
  readonly name: string;
  readonly code: string;
  readonly type: string | undefined;
}

function examplesOf({ name, kind, doc, members }: Declaration): Example[] {
  const type = kind === 'interface' || kind === 'type' ? name : undefined;
  const own = (doc?.examples ?? []).map((code) => ({ name, code, type }));
  const ofMembers = members.flatMap((member) =>
    (member.doc?.examples ?? []).map((code) => ({
      name: `${name}_${member.name}`,
      code,
      type: kind === 'interface' ? `${name}['${member.name}']` : undefined,
    })),
  );
  return [...own, ...ofMembers];
}

/** Returns a module with the example, which imports what it names. */
function moduleOf({ code, type }: Example, names: readonly string[]): string {
  const isValue = parseSync('value.ts', `(${code})`).errors.length === 0;
  const text =
    type !== undefined && isValue
      ? `export const value: ${type} = ${code};`
      : `export const example = () => {\n${code}\n};`;
  const used = names.filter((name) => new RegExp(`\\b${name}\\b`).test(text));
  return `import { ${used.join(', ')} } from './shared.ts';\n${text}\n`;
}

function exportedNames(declarations: readonly Declaration[]): string[] {
  const lists = [...SHARED.matchAll(/^export \{ ([^}]+) \}/gm)].flatMap(([, list = '']) => list.split(', '));
  const declared = [...SHARED.matchAll(/^export declare const (\w+)/gm)].map(([, name = '']) => name);
  return [...lists, ...declared, ...declarations.map(({ name }) => name)];
}

/** Returns what the compiler says, one line for each error. */
function complaintsOf(folder: string): Promise<string[]> {
  return new Promise((resolve) => {
    execFile(process.execPath, [COMPILER, '-p', folder], { cwd: folder }, (_, stdout) =>
      resolve(stdout.split('\n').filter((line) => line.includes('error TS'))),
    );
  });
}

it('every example in a docstring compiles, and a wrong one does not', async () => {
  const folder = newFolder();
  symlinkSync(join(PROJECT, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(TSCONFIG));
  writeFileSync(join(folder, 'shared.ts'), SHARED);
  const declarations = [...publishedDeclarations().values()].flat();
  const examples = declarations.flatMap(examplesOf);
  expect(examples.length).toBeGreaterThan(180);
  const wrong = { name: 'wrong', code: "{ perDay: '200' }", type: 'BudgetProps' };
  const names = exportedNames(declarations);
  for (const example of [...examples, wrong])
    writeFileSync(join(folder, `${example.name}.ts`), moduleOf(example, names));
  const complaints = await complaintsOf(folder);
  rmSync(folder, { recursive: true, force: true });
  expect(complaints).toEqual([expect.stringMatching(/^wrong\.ts\(2,\d+\): error TS2322: /)]);
});
