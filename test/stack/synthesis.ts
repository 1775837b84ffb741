import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import cdkJson from '../../cdk.json' with { type: 'json' };
import { Batchdrop } from '../../lib/batchdrop.ts';
import type { BatchdropProps } from '../../lib/batchdrop-props.ts';
import { BUNDLES_CONTEXT, FUNCTION_NAMES } from '../../lib/stages/function-bundles.ts';

/** Creates a folder in the temporary folder of all tests, which is deleted at the end. */
export function temporaryDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'batchdrop-stack-'));
}

/**
 * Writes bundles that do nothing, because templates do not depend on the code of the functions. Returns their folder.
 */
export function placeholderBundles(): string {
  const directory = temporaryDirectory();
  for (const name of FUNCTION_NAMES) {
    mkdirSync(join(directory, name));
    writeFileSync(join(directory, name, 'index.js'), `exports.handler = async () => '${name}';\n`);
  }
  return directory;
}

/**
 * Returns an app like that of bin/app.ts, with placeholder bundles and without template validation, which takes
 * seconds.
 */
export function exampleApp(bundles: string = placeholderBundles()): App {
  return new App({
    outdir: join(temporaryDirectory(), 'cdk.out'),
    builtinCloudFormationValidation: false,
    context: { ...cdkJson.context, 'aws:cdk:bundling-stacks': [], [BUNDLES_CONTEXT]: bundles },
  });
}

/** Synthesizes a stack with one Batchdrop. `use` may use the Batchdrop before. */
export function synthesize(
  props: BatchdropProps | ((stack: Stack) => BatchdropProps) = {},
  use: (batchdrop: Batchdrop, stack: Stack) => unknown = () => {},
): Template {
  const stack = new Stack(exampleApp(), 'Example');
  const batchdrop = new Batchdrop(stack, 'Batchdrop', typeof props === 'function' ? props(stack) : props);
  use(batchdrop, stack);
  return Template.fromStack(stack);
}
