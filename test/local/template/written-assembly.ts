import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Assembly, readAssembly } from '../../../local/runtime/template/assembly.ts';

interface Written {
  /** As in a manifest of the CDK. */
  readonly environment?: string;
  /** Lookups that the app could not make. */
  readonly missing?: readonly { readonly key: string; readonly provider: string }[];
}

/** Writes the cloud assembly of an app with these stacks, one template each, and reads it. It has an asset of each kind. */
export function writtenAssembly(
  directory: string,
  templates: Readonly<Record<string, object>>,
  { environment = 'aws://unknown-account/unknown-region', missing = [] }: Written = {},
): Assembly {
  mkdirSync(join(directory, 'asset.abc'), { recursive: true });
  const files = {
    abc: {
      source: { path: 'asset.abc', packaging: 'zip' },
      destinations: { here: { objectKey: 'abc.zip' } },
    },
    def: { source: { path: 'def.zip', packaging: 'file' }, destinations: { here: { objectKey: 'def.zip' } } },
  };
  const artifacts: Record<string, object> = {};
  for (const [name, template] of Object.entries(templates)) {
    writeFileSync(join(directory, `${name}.template.json`), JSON.stringify(template));
    writeFileSync(join(directory, `${name}.assets.json`), JSON.stringify({ files }));
    const properties = { templateFile: `${name}.template.json` };
    artifacts[name] = { type: 'aws:cloudformation:stack', environment, properties };
  }
  writeFileSync(join(directory, 'manifest.json'), JSON.stringify({ artifacts, missing }));
  return readAssembly(directory);
}
