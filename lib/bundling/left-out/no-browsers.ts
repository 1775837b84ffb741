/*
 * Replaces `bowser` in the bundles (`left-out.ts`): the SDK reads the name of a browser with it, which no function is.
 */

/** The SDK would call this in a browser. */
export function parse(): never {
  throw new Error('the bundle contains no names of browsers');
}
