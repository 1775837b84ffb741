/**
 * What code of a function may import besides its own files: the AWS SDK, which is part of Lambda's runtime. Here it comes from
 * the app's own modules, or else from those of the runtime. Any other module outside the code is refused: the code lies inside
 * the app's folder, where Node would find modules that Lambda does not have.
 */
import { realpathSync } from 'node:fs';
import { createRequire, isBuiltin, registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const PROVIDED = /^@(aws-sdk|smithy|aws-crypto)\//;

/** `root`: the folder of the code. `sdkFrom`: folders from which the SDK is looked up, in this order. */
export function provideModules(root: string, sdkFrom: readonly string[]): void {
  const rootUrl = pathToFileURL(join(realpathSync(root), '/')).href;
  const places = sdkFrom.map((folder) => pathToFileURL(join(folder, 'from-here.js')).href);
  registerHooks({
    resolve(specifier, context, next) {
      const isOfCode = context.parentURL?.startsWith(rootUrl) ?? false;
      if (!isOfCode || isBuiltin(specifier)) return next(specifier, context);
      if (!PROVIDED.test(specifier)) {
        const found = next(specifier, context);
        if (found.url.startsWith(rootUrl) || !found.url.startsWith('file:')) return found;
        throw new Error(
          `"${specifier}" is outside the function's code, so that Lambda would not find it: bundle it with the function`,
        );
      }
      for (const parentURL of [context.parentURL, ...places]) {
        try {
          if (context.conditions.includes('import')) return next(specifier, { ...context, parentURL });
          // For `require`, Node takes the module that calls as the parent, whatever the context says.
          return next(createRequire(parentURL ?? rootUrl).resolve(specifier), context);
        } catch {} // the next place may have it
      }
      throw new Error(
        `"${specifier}" is part of Lambda, but not of this machine: npm install --save-dev ${packageOf(specifier)}`,
      );
    },
  });
}

/** `@aws-sdk/client-s3/dist/x` → `@aws-sdk/client-s3`. */
function packageOf(specifier: string): string {
  return specifier.split('/').slice(0, 2).join('/');
}
