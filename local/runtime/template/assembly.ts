/**
 * The output of `cdk synth`: a cloud assembly with the stacks of one app and their assets. Stages of the CDK are assemblies in
 * its folders; their stacks count like the others.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** One resource of the template. */
export interface TemplateResource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
  readonly Condition?: string;
  readonly DeletionPolicy?: string;
  readonly Metadata?: Readonly<Record<string, unknown>>;
}

interface TemplateOutput {
  readonly Value: unknown;
  readonly Description?: string;
  readonly Condition?: string;
  readonly Export?: { readonly Name: unknown };
}

/** The parts of a CloudFormation template that the runtime reads. */
export interface Template {
  readonly Parameters: Readonly<Record<string, { readonly Default?: unknown }>>;
  readonly Mappings: Readonly<Record<string, unknown>>;
  readonly Conditions: Readonly<Record<string, unknown>>;
  readonly Resources: Readonly<Record<string, TemplateResource>>;
  readonly Outputs: Readonly<Record<string, TemplateOutput>>;
  readonly Description?: string | undefined;
}

/** The account and the Region that a stack names. A stack without `env` names neither. */
export interface StackEnvironment {
  readonly account?: string;
  readonly region?: string;
}

/** One stack of the app. */
export interface AssembledStack {
  readonly name: string;
  readonly environment: StackEnvironment;
  readonly template: Template;
  /** Returns the directory of the asset with that object key. Throws if there is none, or if it is a file. */
  assetDirectory(objectKey: string): string;
}

export interface Assembly {
  readonly stacks: readonly AssembledStack[];
  /** Where the code goes that a template contains as text. */
  readonly inlineDirectory: string;
  /**
   * Returns whether an earlier run has loaded all functions of exactly these templates. They name their code by its
   * hash.
   */
  isKnownToLoad(): boolean;
  rememberThatItLoads(): void;
}

interface ReadOptions {
  /** Names of stacks. By default, all. Stacks that these depend on are read as well. */
  readonly only?: readonly string[] | undefined;
  /** Where the runtime may write. By default, the assembly itself. */
  readonly notes?: string;
}

const LOADED = 'loaded.txt'; // contains the hash of the templates whose functions were loaded
const INLINE = 'inline';
const UNKNOWN = /^unknown-/; // an environment that the app does not name

/** Reads a cloud assembly. Throws an Error that says what is wrong. */
export function readAssembly(directory: string, { only, notes = directory }: ReadOptions = {}): Assembly {
  const found = stackArtifacts(directory);
  if (found.length === 0) throw new Error(`${directory}: the app has no stack`);
  const chosen = only === undefined ? found : withDependencies(found, only);
  const read = chosen.map(readStack);
  const hash = createHash('sha256');
  for (const { text } of read) hash.update(text);
  const loaded = hash.digest('hex');
  const loadedFile = join(notes, LOADED);
  return {
    stacks: read.map(({ stack }) => stack),
    inlineDirectory: join(notes, INLINE),
    isKnownToLoad: () => existsSync(loadedFile) && readFileSync(loadedFile, 'utf8') === loaded,
    rememberThatItLoads: () => {
      mkdirSync(notes, { recursive: true });
      writeFileSync(loadedFile, loaded);
    },
  };
}

interface Manifest {
  readonly artifacts?: Readonly<Record<string, Artifact>>;
  readonly missing?: readonly { readonly key: string; readonly provider: string }[];
}

interface Artifact {
  readonly type: string;
  readonly environment?: string;
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly dependencies?: readonly string[];
}

/** A stack in the manifest of the folder `directory`. */
interface StackArtifact {
  readonly id: string;
  readonly name: string;
  readonly directory: string;
  readonly templateFile: string;
  readonly environment: StackEnvironment;
  readonly dependencies: readonly string[];
}

function stackArtifacts(directory: string): StackArtifact[] {
  const { artifacts = {}, missing = [] } = manifestIn(directory);
  if (missing.length > 0) {
    const keys = missing.map(({ key }) => key).join(', ');
    throw new Error(
      `the app looks up values in an AWS account, which one machine does not have: ${keys}. ` +
        'Run `cdk synth` once with credentials: it keeps the values in cdk.context.json',
    );
  }
  return Object.entries(artifacts).flatMap(([id, { type, properties, environment, dependencies = [] }]) => {
    const { templateFile, stackName, directoryName } = properties ?? {};
    if (type === 'cdk:cloud-assembly') return stackArtifacts(join(directory, String(directoryName)));
    if (type !== 'aws:cloudformation:stack') return [];
    return {
      id,
      name: typeof stackName === 'string' ? stackName : id,
      directory,
      templateFile: String(templateFile),
      environment: environmentIn(environment),
      dependencies,
    };
  });
}

function manifestIn(directory: string): Manifest {
  const file = join(directory, 'manifest.json');
  if (!existsSync(file)) throw new Error(`${directory} is not a cloud assembly: it has no manifest.json`);
  return JSON.parse(readFileSync(file, 'utf8'));
}

/** Parses `aws://123456789012/eu-west-1`. */
function environmentIn(text = ''): StackEnvironment {
  const [, account = '', region = ''] = /^aws:\/\/([^/]*)\/([^/]*)$/.exec(text) ?? [];
  const isKnown = (part: string) => part !== '' && !UNKNOWN.test(part);
  return { ...(isKnown(account) && { account }), ...(isKnown(region) && { region }) };
}

function withDependencies(all: readonly StackArtifact[], only: readonly string[]): StackArtifact[] {
  const wanted = new Set(
    only.map((name) => {
      const found = all.find((stack) => stack.name === name || stack.id === name);
      if (found !== undefined) return found;
      throw new Error(`the app has no stack ${name}. It has: ${all.map((stack) => stack.name).join(', ')}`);
    }),
  );
  for (const stack of wanted)
    for (const other of all) if (stack.dependencies.includes(other.id)) wanted.add(other);
  return all.filter((stack) => wanted.has(stack));
}

function readStack(artifact: StackArtifact): { stack: AssembledStack; text: string } {
  const { name, directory, templateFile, environment } = artifact;
  const text = readFileSync(join(directory, templateFile), 'utf8');
  const { Parameters, Mappings, Conditions, Resources, Outputs, Description }: Partial<Template> =
    JSON.parse(text);
  if (Resources === undefined) throw new Error(`${templateFile}: the template has no resources`);
  const template = {
    Parameters: Parameters ?? {},
    Mappings: Mappings ?? {},
    Conditions: Conditions ?? {},
    Resources,
    Outputs: Outputs ?? {},
    Description,
  };
  const assetsFile = join(directory, templateFile.replace(/\.template\.json$/, '.assets.json'));
  const assets = existsSync(assetsFile)
    ? assetsByKey(JSON.parse(readFileSync(assetsFile, 'utf8')))
    : new Map<string, Asset>();
  const assetDirectory = (objectKey: string) => {
    const asset = assets.get(objectKey);
    if (asset?.path === undefined) throw new Error(`${assetsFile}: no asset for ${objectKey}`);
    if (asset.packaging !== 'zip')
      throw new Error(`its code is the archive ${asset.path}, and only folders run here: name the folder`);
    return join(directory, asset.path);
  };
  return { stack: { name, environment, template, assetDirectory }, text };
}

interface Asset {
  readonly path?: string;
  /** `zip`: a folder that the CDK packs at deployment. */
  readonly packaging?: string;
}

interface AssetManifest {
  readonly files?: Readonly<
    Record<
      string,
      {
        readonly source: Asset;
        readonly destinations: Readonly<Record<string, { readonly objectKey: string }>>;
      }
    >
  >;
}

function assetsByKey(manifest: AssetManifest): Map<string, Asset> {
  const byKey = new Map<string, Asset>();
  for (const { source, destinations } of Object.values(manifest.files ?? {})) {
    for (const { objectKey } of Object.values(destinations)) byKey.set(objectKey, source);
  }
  return byKey;
}
