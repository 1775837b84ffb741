import { fileURLToPath } from 'node:url';

/** The functions that are deployed; each is a folder under `functions/` and one under `dist/functions/`. */
export const FUNCTION_NAMES = ['intake', 'submit', 'poll', 'deliver', 'cancel'] as const;

/** Name of a deployed function. */
export type FunctionName = (typeof FUNCTION_NAMES)[number];

/** Where `npm run bundle` writes, the construct and the local runtime read, and the package carries the bundles. */
export const BUNDLES_DIRECTORY = fileURLToPath(new URL('../../dist/functions/', import.meta.url));
