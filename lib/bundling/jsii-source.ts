/**
 * The source as jsii compiles it: a copy with what a jsii module has and this project lacks, which are a package.json with a
 * section `jsii`, a README beside it, and a tsconfig.json that emits and rewrites the `.ts` in imports.
 */
import { cp, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));

/** The folder in the copy into which jsii compiles. */
export const COMPILED = 'out';

/** The names of the package in each language. */
const TARGETS = {
  python: { distName: 'batchdrop', module: 'batchdrop' },
  java: {
    package: 'io.github.batchdrop',
    maven: { groupId: 'io.github.batchdrop', artifactId: 'batchdrop' },
  },
  dotnet: { namespace: 'Batchdrop', packageId: 'Batchdrop' },
  go: { moduleName: 'github.com/batchdrop/batchdrop-go' },
};

const TSCONFIG = {
  extends: join(PROJECT, 'tsconfig.json'),
  compilerOptions: {
    noEmit: false,
    declaration: true,
    rewriteRelativeImportExtensions: true,
    rootDir: '.',
    outDir: COMPILED,
  },
  include: [],
  files: ['lib/index.ts'],
};

/** Writes the copy into an empty folder. */
export async function copyForJsii(folder: string): Promise<void> {
  for (const part of ['lib', 'functions']) {
    await cp(join(PROJECT, part), join(folder, part), { recursive: true });
  }
  await symlink(join(PROJECT, 'node_modules'), join(folder, 'node_modules'));
  await writeFile(join(folder, 'README.md'), '# Batchdrop\n');
  await writeFile(join(folder, 'package.json'), JSON.stringify(await moduleManifest()));
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(TSCONFIG));
}

/** Returns the fields of package.json that make a package a jsii module. */
export function jsiiFields() {
  return {
    author: { name: 'Batchdrop' },
    stability: 'experimental',
    jsii: { outdir: 'dist', targets: TARGETS },
  };
}

async function moduleManifest() {
  const own = JSON.parse(await readFile(join(PROJECT, 'package.json'), 'utf8'));
  const { name, version, description, license, repository, dependencies } = own;
  const peers = { 'aws-cdk-lib': dependencies['aws-cdk-lib'], constructs: dependencies.constructs };
  return {
    ...jsiiFields(),
    name,
    version,
    description,
    license,
    repository,
    type: 'module',
    main: `${COMPILED}/lib/index.js`,
    types: `${COMPILED}/lib/index.d.ts`,
    peerDependencies: peers,
    devDependencies: peers,
  };
}
