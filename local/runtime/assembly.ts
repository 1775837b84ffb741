import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** One resource of the template. */
export interface TemplateResource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
  readonly Condition?: string;
  readonly DeletionPolicy?: string;
}

interface TemplateOutput {
  readonly Value: unknown;
  readonly Description?: string;
  readonly Condition?: string;
}

/** The parts of a CloudFormation template that the runtime reads. */
export interface Template {
  readonly Parameters: Readonly<Record<string, { readonly Default?: unknown }>>;
  readonly Conditions: Readonly<Record<string, unknown>>;
  readonly Resources: Readonly<Record<string, TemplateResource>>;
  readonly Outputs: Readonly<Record<string, TemplateOutput>>;
  readonly Description?: string | undefined;
}

/** The output of `cdk synth`: one stack and its assets. */
export interface Assembly {
  readonly template: Template;
  /** Returns the directory of the asset with that object key. Throws if there is none. */
  assetDirectory(objectKey: string): string;
  /**
   * Returns whether an earlier run has loaded all functions of exactly this template. The template names their code by
   * its hash.
   */
  isKnownToLoad(): boolean;
  rememberThatItLoads(): void;
}

const TEMPLATE_ENDING = '.template.json';
const LOADED = 'loaded.txt'; // in the assembly's directory; contains the hash of the template whose functions were loaded

/** Reads a cloud assembly with exactly one stack. Throws an Error that says what is wrong. */
export function readAssembly(directory: string): Assembly {
  const files = readdirSync(directory).filter((file) => file.endsWith(TEMPLATE_ENDING));
  const [file] = files;
  if (file === undefined || files.length > 1) {
    throw new Error(`${directory}: expected one stack, found ${files.length}`);
  }
  const text = readFileSync(join(directory, file), 'utf8');
  const template: Partial<Template> = JSON.parse(text);
  if (template.Resources === undefined) throw new Error(`${file}: the template has no resources`);
  const assetsFile = join(directory, file.replace(TEMPLATE_ENDING, '.assets.json'));
  const assets = assetsByKey(JSON.parse(readFileSync(assetsFile, 'utf8')));
  const templateHash = createHash('sha256').update(text).digest('hex');
  const loadedFile = join(directory, LOADED);
  return {
    template: {
      Parameters: template.Parameters ?? {},
      Conditions: template.Conditions ?? {},
      Resources: template.Resources,
      Outputs: template.Outputs ?? {},
      Description: template.Description,
    },
    assetDirectory(objectKey) {
      const path = assets.get(objectKey);
      if (path === undefined) throw new Error(`${assetsFile}: no asset for ${objectKey}`);
      return join(directory, path);
    },
    isKnownToLoad: () => existsSync(loadedFile) && readFileSync(loadedFile, 'utf8') === templateHash,
    rememberThatItLoads: () => writeFileSync(loadedFile, templateHash),
  };
}

interface AssetManifest {
  readonly files?: Readonly<
    Record<
      string,
      {
        readonly source: { readonly path: string };
        readonly destinations: Readonly<Record<string, { readonly objectKey: string }>>;
      }
    >
  >;
}

function assetsByKey(manifest: AssetManifest): Map<string, string> {
  const byKey = new Map<string, string>();
  for (const { source, destinations } of Object.values(manifest.files ?? {})) {
    for (const { objectKey } of Object.values(destinations)) byKey.set(objectKey, source.path);
  }
  return byKey;
}
