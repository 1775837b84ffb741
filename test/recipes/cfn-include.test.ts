import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../stack/synthesis.ts';
import { at, list } from '../stack/template-reading.ts';
import { type ReleasedTemplate, run, unpacked } from './written-template.ts';

let release: string;
let template: ReleasedTemplate;

beforeAll(async () => {
  release = await unpacked();
  template = JSON.parse(readFileSync(join(release, 'batchdrop.template.json'), 'utf8'));
});

/** Runs the app as `cdk synth` does. */
async function synthesized(program: string, ...args: string[]): Promise<ReleasedTemplate> {
  const output = join(temporaryDirectory(), 'cdk.out');
  await run(program, args, {
    cwd: release,
    env: { PATH: process.env.PATH, HOME: output, CDK_OUTDIR: output, CDK_VALIDATION: 'false' },
  });
  return JSON.parse(readFileSync(join(output, 'Reports.template.json'), 'utf8'));
}

function expectIncluded(reports: ReleasedTemplate): void {
  for (const [id, { Type }] of Object.entries(template.Resources))
    expect(reports.Resources[id]?.Type, id).toBe(Type);
  expect(Object.keys(reports.Outputs)).toEqual(expect.arrayContaining(Object.keys(template.Outputs)));
  // The bucket is in the place of its parameter.
  const codes = Object.values(reports.Resources)
    .filter(({ Type }) => Type === 'AWS::Lambda::Function')
    .map(({ Properties }) => at(Properties, 'Code'));
  expect(codes).toHaveLength(6);
  for (const code of codes) {
    expect(at(code, 'S3Bucket')).toBe('my-assets');
    expect(String(list(at(code, 'S3Key', 'Fn::Join', 1)).join(''))).toMatch(
      /^batchdrop\/functions\/\w+-\w+\.zip$/,
    );
  }
  expect(Object.keys(reports.Parameters)).not.toContain('AssetsBucket');
  expect(Object.keys(reports.Parameters)).toContain('BaseUrl');
  // The rule of the app is on the bus of the template.
  const [bus] = Object.entries(template.Resources).filter(([, { Type }]) => Type === 'AWS::Events::EventBus');
  const rules = Object.values(reports.Resources).filter(({ Type }) => Type === 'AWS::Events::Rule');
  expect(rules.map(({ Properties }) => at(Properties, 'EventBusName', 'Ref'))).toContain(bus?.[0]);
}

describe('CfnInclude', () => {
  it('brings the template into a CDK app in TypeScript', async () => {
    expectIncluded(await synthesized(process.execPath, join('recipes', 'cfn-include.ts')));
  });

  it('is used in Python in the same way', async () => {
    await run('python3', ['-m', 'py_compile', join('recipes', 'cfn_include.py')], { cwd: release });
  });
});
