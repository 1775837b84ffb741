import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { at } from '../stack/template-reading.ts';
import { pythonTools } from './python-tools.ts';
import { type ReleasedTemplate, run, unpacked } from './written-template.ts';

let tools: string;
let release: string;
let template: ReleasedTemplate;

beforeAll(async () => {
  tools = await pythonTools();
  release = await unpacked();
  template = JSON.parse(readFileSync(join(release, 'batchdrop.template.json'), 'utf8'));
}, 1_200_000);

async function python(program: string, ...args: string[]): Promise<unknown> {
  const { stdout } = await run(join(tools, 'python3'), ['-c', program, ...args]);
  return JSON.parse(stdout);
}

/** Throws for the name of a parameter or an output that the template does not have. */
function expectKnown(parameters: object, outputs: Iterable<string>): void {
  const used = [...outputs];
  expect(used.length).toBeGreaterThan(0);
  expect(Object.keys(template.Parameters)).toEqual(expect.arrayContaining(Object.keys(parameters)));
  expect(Object.keys(template.Outputs)).toEqual(expect.arrayContaining(used));
  const required = Object.entries(template.Parameters).filter(([, { Default }]) => Default === undefined);
  expect(Object.keys(parameters)).toEqual(expect.arrayContaining(required.map(([name]) => name)));
}

describe('the template', () => {
  it('passes cfn-lint', async () => {
    // W3005: the CDK names dependencies that a reference implies.
    const options = ['--ignore-checks', 'W3005', '--', join(release, 'batchdrop.template.json')];
    const { stdout } = await run(join(tools, 'cfn-lint'), options);
    expect(stdout).toBe('');
  });
});

describe('sam.yaml', () => {
  it("is a template that SAM's own translator turns into resources", async () => {
    // cfn-lint runs the translator.
    const { stdout } = await run(join(tools, 'cfn-lint'), ['--', join(release, 'recipes', 'sam.yaml')]);
    expect(stdout).toBe('');
  });

  it('names parameters and outputs that the template has', async () => {
    const program =
      'import cfnlint.decode, json, sys; print(json.dumps(cfnlint.decode.decode(sys.argv[1])[0]))';
    const sam = await python(program, join(release, 'recipes', 'sam.yaml'));
    const batchdrop = at(sam, 'Resources', 'Batchdrop', 'Properties');
    expect(join('recipes', String(at(batchdrop, 'Location')))).toBe('batchdrop.template.json');
    const outputs = [...JSON.stringify(sam).matchAll(/Outputs\.(\w+)/g)].map(([, name = '']) => name);
    expectKnown(Object(at(batchdrop, 'Parameters')), outputs);
  });
});

describe('main.tf', () => {
  it('names parameters and outputs that the template has', async () => {
    const program = 'import hcl2, json, sys; print(json.dumps(hcl2.load(open(sys.argv[1]))))';
    const text = readFileSync(join(release, 'recipes', 'main.tf'), 'utf8');
    const parsed = await python(program, join(release, 'recipes', 'main.tf'));
    const stacks = [at(parsed, 'resource')].flat().flatMap((each) => {
      const [type, named] = Object.entries(Object(each))[0] ?? [];
      return type?.replaceAll('"', '') === 'aws_cloudformation_stack' ? Object.values(Object(named)) : [];
    });
    expect(stacks).toHaveLength(1);
    const outputs = [...text.matchAll(/outputs\["(\w+)"\]/g)].map(([, name = '']) => name);
    expectKnown(Object(at(stacks[0], 'parameters')), outputs);
  });
});
