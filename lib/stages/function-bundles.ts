import { fileURLToPath } from 'node:url';

/** The deployed functions. Each has a folder in `functions/` and one in `dist/functions/`. */
export const FUNCTION_NAMES = [
  'intake',
  'submit',
  'poll',
  'deliver',
  'cancel',
  'approve',
  'webhook',
  'start',
  'answer',
] as const;

/** Name of a deployed function. */
export type FunctionName = (typeof FUNCTION_NAMES)[number];

/** The folder of the bundles. `npm run bundle` writes it; the construct, the local runtime and the package use it. */
export const BUNDLES_DIRECTORY = fileURLToPath(new URL('../../dist/functions/', import.meta.url));

/** The context key for a folder of bundles other than `BUNDLES_DIRECTORY`. */
export const BUNDLES_CONTEXT = 'batchdrop:bundles';
