import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { Node } from 'constructs';
import type { BatchdropStackProps } from './batchdrop-stack.ts';

/**
 * Reads the choices of a stack from the context, as in `cdk deploy -c pollMinutes=5`. What is not given keeps its
 * default; throws a sentence for a value that is not of its kind.
 */
export function choicesOf(node: Node): BatchdropStackProps {
  const read = <T>(name: string, kind: string, parse: (given: string) => T | undefined): T | undefined => {
    const given: unknown = node.tryGetContext(name);
    if (given === undefined) return undefined;
    const value = parse(String(given));
    if (value === undefined) throw new Error(`context ${name}: ${JSON.stringify(given)} is not ${kind}`);
    return value;
  };
  const text = (name: string) => read(name, 'text', (given) => given.trim() || undefined);
  const count = <T>(name: string, unit: (amount: number) => T) =>
    read(name, 'a whole number above 0', (given) =>
      /^[1-9]\d*$/.test(given) ? unit(Number(given)) : undefined,
    );

  return {
    requestBucketName: text('requestBucketName'),
    requestPrefix: text('requestPrefix'),
    resultsBucketName: text('resultsBucketName'),
    apiKeySecretName: text('apiKeySecretName'),
    baseUrl: text('baseUrl'),
    completionWindow: text('completionWindow'),
    pollInterval: count('pollMinutes', Duration.minutes),
    expireFilesAfter: count('expireFilesAfterDays', Duration.days),
    maxAttempts: count('maxAttempts', (amount) => amount),
    enqueuedTokens: read(
      'enqueuedTokens',
      'models and whole numbers of tokens, as in gpt-4o-mini=2000000,gpt-4o=90000',
      tokensByModel,
    ),
    maxOpenBatches: count('maxOpenBatches', (amount) => amount),
    rerunMissing: read('rerunMissing', 'yes or no', oneOf({ yes: true, no: false })),
    keepOpenAiFiles: read('keepOpenAiFiles', 'yes or no', oneOf({ yes: true, no: false })),
    removalPolicy: read(
      'removal',
      'retain or destroy',
      oneOf({ retain: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE, destroy: RemovalPolicy.DESTROY }),
    ),
  };
}

/** `model=tokens`, set off by commas; a model's name may hold colons and dashes. */
function tokensByModel(given: string): Record<string, number> | undefined {
  const limits = new Map<string, number>();
  for (const pair of given.split(',')) {
    const [, model, tokens] = /^\s*([^\s=,]+)=([1-9]\d*)\s*$/.exec(pair) ?? [];
    if (model === undefined || limits.has(model)) return undefined;
    limits.set(model, Number(tokens));
  }
  return Object.fromEntries(limits);
}

function oneOf<T>(meanings: Record<string, T>): (given: string) => T | undefined {
  return (given) => (Object.hasOwn(meanings, given) ? meanings[given] : undefined);
}
