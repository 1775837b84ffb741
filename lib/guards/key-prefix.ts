/**
 * The only rule for prefixes of keys in a bucket. A prefix becomes part of IAM policies, in which `*`, `?` and `${` have a
 * meaning and only ASCII is safe, and of an EventBridge pattern, which compares it character by character.
 */
import { Token } from 'aws-cdk-lib';
import { MAX_RESULTS_PREFIX } from '../../functions/shared/contract/result-keys.ts';
import { shown } from './shown.ts';

/** Half of a key's 1,024 bytes, so that names of files fit behind it. */
const MAX_REQUEST_PREFIX = 512;

/** Yields what is wrong with the prefix of request files. A token is checked by nobody. */
export function* requestPrefixProblems(prefix: string): Generator<string> {
  if (Token.isUnresolved(prefix)) return;
  if (hasPlainCharacters(prefix, / /) && prefix.trim() === prefix && prefix.length <= MAX_REQUEST_PREFIX)
    return;
  yield `requestPrefix is ${shown(prefix)}; set the beginning of the keys, such as batches/, at most ${MAX_REQUEST_PREFIX} bytes long: ASCII, without / at the start, //, the folders . and .., *, ?, $, \\ and control characters.`;
}

/** Yields what is wrong with the folder of the results. It has to be known, because its length is limited. */
export function* resultsPrefixProblems(prefix: string): Generator<string> {
  const isFolder = prefix.endsWith('/') && hasPlainCharacters(prefix, /(?!)/);
  if (isFolder && !Token.isUnresolved(prefix) && prefix.length <= MAX_RESULTS_PREFIX) return;
  yield `resultsPrefix is ${shown(prefix)}; set a folder such as batchdrop/, at most ${MAX_RESULTS_PREFIX} bytes long: ASCII that ends in /, without spaces, / at the start, //, the folders . and .., *, ?, $, \\ and control characters.`;
}

/** `also`: what it may have besides printable ASCII without spaces. */
function hasPlainCharacters(prefix: string, also: RegExp): boolean {
  if (prefix === '' || prefix.startsWith('/') || prefix.includes('//')) return false;
  if (prefix.split('/').some((folder) => folder === '.' || folder === '..')) return false;
  return [...prefix].every((one) => also.test(one) || (/[!-~]/.test(one) && !/[*?$\\]/.test(one)));
}
