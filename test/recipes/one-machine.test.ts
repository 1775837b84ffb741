import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chatRows, idsIn } from '../local/endpoint/chat-rows.ts';
import { RecordedRuntime } from '../local/iam/recorded-runtime.ts';
import { temporaryDirectory } from '../stack/synthesis.ts';
import { type ReleasedTemplate, run, unpacked } from './written-template.ts';

let runtime: RecordedRuntime;

/** Returns what the runtime reads: the template with values for its parameters, and the unpacked archives as its assets. */
async function deployed(parameters: Record<string, string>): Promise<string> {
  const release = await unpacked();
  const assembly = temporaryDirectory();
  const template: ReleasedTemplate = JSON.parse(
    readFileSync(join(release, 'batchdrop.template.json'), 'utf8'),
  );
  for (const [name, value] of Object.entries(parameters)) {
    const parameter = template.Parameters[name];
    if (parameter === undefined) throw new Error(`the template has no parameter ${name}`);
    parameter.Default = value;
  }
  writeFileSync(join(assembly, 'Batchdrop.template.json'), JSON.stringify(template));
  const files: Record<string, object> = {};
  for (const name of readdirSync(join(release, 'functions'))) {
    const path = basename(name, '.zip');
    mkdirSync(join(assembly, path));
    await run('unzip', ['-q', join(release, 'functions', name), '-d', join(assembly, path)]);
    files[path] = {
      source: { path, packaging: 'zip' },
      destinations: { here: { objectKey: `releases/functions/${name}` } },
    };
  }
  writeFileSync(join(assembly, 'Batchdrop.assets.json'), JSON.stringify({ files }));
  const stack = { type: 'aws:cloudformation:stack', properties: { templateFile: 'Batchdrop.template.json' } };
  writeFileSync(join(assembly, 'manifest.json'), JSON.stringify({ artifacts: { Batchdrop: stack } }));
  return assembly;
}

beforeAll(async () => {
  const parameters = { AssetsBucket: 'our-assets', AssetsPrefix: 'releases/', FlatResults: 'yes' };
  runtime = await RecordedRuntime.start(await deployed(parameters));
}, 600_000);

afterAll(() => runtime?.close());

describe('the template on one machine', () => {
  it('takes a file to its results, by the code in the archives and the permissions of the template', async () => {
    const job = await runtime.drop('reviews.jsonl', chatRows(3, 'template'));
    await runtime.untilJob(job, 'completed');
    const output = await runtime.user.read(runtime.names.resultsBucket, `reviews.jsonl/${job}/output.jsonl`);
    expect(idsIn(output)).toEqual(['row-0', 'row-1', 'row-2']);
    // The parameter FlatResults reached DELIVER.
    const table = await runtime.user.read(runtime.names.resultsBucket, `reviews.jsonl/${job}/output.csv`);
    expect(table.trim().split('\n')).toHaveLength(4);
    expect(runtime.decisions.length).toBeGreaterThan(20);
    expect(runtime.decisions.filter(({ verdict }) => verdict !== 'allowed')).toEqual([]);
  });
});
