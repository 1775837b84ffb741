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
    rerunMissing: read('rerunMissing', 'yes or no', oneOf({ yes: true, no: false })),
    keepOpenAiFiles: read('keepOpenAiFiles', 'yes or no', oneOf({ yes: true, no: false })),
    removalPolicy: read(
      'removal',
      'retain or destroy',
      oneOf({ retain: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE, destroy: RemovalPolicy.DESTROY }),
    ),
  };
}

function oneOf<T>(meanings: Record<string, T>): (given: string) => T | undefined {
  return (given) => (Object.hasOwn(meanings, given) ? meanings[given] : undefined);
}
