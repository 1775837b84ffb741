import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { Node } from 'constructs';
import type { BatchdropStackProps } from './batchdrop-stack.ts';

/** Props whose name in the context is another. */
const NAME_OF_PROP: Record<string, string> = {
  requestBucket: 'requestBucketName',
  resultsBucket: 'resultsBucketName',
  apiKeySecret: 'apiKeySecretName',
  shares: 'sharesBy',
  pollInterval: 'pollMinutes',
  observeInterval: 'observeMinutes',
  expireFilesAfter: 'expireFilesAfterDays',
  removalPolicy: 'removal',
};

/** Names that the CDK puts into the context, besides those with a colon, such as its feature flags. */
const NAMES_OF_CDK = new Set(['acknowledged-issue-numbers', 'cdk-migrate', 'cli-telemetry']);

const MAX_TYPO = 2; // characters that differ

/**
 * Reads props from the context, as in `cdk deploy -c pollMinutes=5`; what is not given keeps its default. `unknown` lists
 * the names that nothing reads. Throws for a value of the wrong kind, and for a name that is close to a known one.
 */
export function readContext(node: Node): { props: BatchdropStackProps; unknown: string[] } {
  const known = new Set<string>();
  const read = <T>(name: string, kind: string, parse: (given: string) => T | undefined): T | undefined => {
    known.add(name);
    const given: unknown = node.tryGetContext(name);
    if (given === undefined) return undefined;
    const value = parse(String(given));
    if (value === undefined) throw new Error(`context ${name} is ${JSON.stringify(given)}; set ${kind}.`);
    return value;
  };
  const text = (name: string) => read(name, 'some text', (given) => given.trim() || undefined);
  const count = <T>(name: string, unit: (amount: number) => T) =>
    read(name, 'a whole number above 0', (given) =>
      /^[1-9]\d*$/.test(given) ? unit(Number(given)) : undefined,
    );

  const hasWebhook = read('webhook', 'yes or no', oneOf({ yes: true, no: false }));
  const props = {
    requestBucketName: text('requestBucketName'),
    requestPrefix: text('requestPrefix'),
    resultsBucketName: text('resultsBucketName'),
    resultsPrefix: text('resultsPrefix'),
    apiKeySecretName: text('apiKeySecretName'),
    baseUrl: text('baseUrl'),
    completionWindow: text('completionWindow'),
    pollInterval: count('pollMinutes', Duration.minutes),
    observeInterval: count('observeMinutes', Duration.minutes),
    webhook: hasWebhook ? {} : undefined,
    expireFilesAfter: count('expireFilesAfterDays', Duration.days),
    maxAttempts: count('maxAttempts', (amount) => amount),
    enqueuedTokens: read(
      'enqueuedTokens',
      'models and whole numbers of tokens, such as gpt-4o-mini=2000000,gpt-4o=90000',
      tokensByModel,
    ),
    maxOpenBatches: count('maxOpenBatches', (amount) => amount),
    shares: sharesIn(
      text('sharesBy'),
      read('shareWeights', 'shares and their weights, such as search=3,*=1', weightsByShare),
    ),
    rerunMissing: read('rerunMissing', 'yes or no', oneOf({ yes: true, no: false })),
    keepOpenAiFiles: read('keepOpenAiFiles', 'yes or no', oneOf({ yes: true, no: false })),
    removalPolicy: read(
      'removal',
      'retain or destroy',
      oneOf({ retain: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE, destroy: RemovalPolicy.DESTROY }),
    ),
  };
  return { props, unknown: unknownNames(node, known) };
}

/** A name with a colon is a feature flag, a looked-up value or a plugin's. */
function unknownNames(node: Node, known: ReadonlySet<string>): string[] {
  const unknown = Object.keys(node.getAllContext()).filter(
    (name) => !known.has(name) && !name.includes(':') && !NAMES_OF_CDK.has(name),
  );
  for (const name of unknown) {
    const meant = NAME_OF_PROP[name] ?? [...known].find((one) => editDistance(one, name) <= MAX_TYPO);
    if (meant !== undefined) throw new Error(`context ${name} is unknown; did you mean ${meant}?`);
  }
  return unknown;
}

/** How many characters to add, remove or replace to get from one text to the other, upper and lower case alike. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (const [at, character] of [...from.toLowerCase()].entries()) {
    const next = [at + 1];
    for (const [column, other] of [...to.toLowerCase()].entries()) {
      const replaced = (row[column] ?? 0) + (character === other ? 0 : 1);
      next.push(Math.min(replaced, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

/** `model=tokens`, separated by commas; the name of a model may contain colons and dashes. */
function tokensByModel(given: string): Record<string, number> | undefined {
  const limits = new Map<string, number>();
  for (const pair of given.split(',')) {
    const [, model, tokens] = /^\s*([^\s=,]+)=([1-9]\d*)\s*$/.exec(pair) ?? [];
    if (model === undefined || limits.has(model)) return undefined;
    limits.set(model, Number(tokens));
  }
  return Object.fromEntries(limits);
}

/** `share=weight`, separated by commas. */
function weightsByShare(given: string): Record<string, number> | undefined {
  const weights = new Map<string, number>();
  for (const pair of given.split(',')) {
    const [, share, weight] = /^\s*([^=,]+?)\s*=\s*(\d+(?:\.\d+)?)\s*$/.exec(pair) ?? [];
    if (share === undefined || weights.has(share)) return undefined;
    weights.set(share, Number(weight));
  }
  return Object.fromEntries(weights);
}

function sharesIn(by: string | undefined, weights: Record<string, number> | undefined) {
  return by === undefined && weights === undefined ? undefined : { by, weights };
}

function oneOf<T>(meanings: Record<string, T>): (given: string) => T | undefined {
  return (given) => (Object.hasOwn(meanings, given) ? meanings[given] : undefined);
}
