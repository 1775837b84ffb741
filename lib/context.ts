import { readFileSync } from 'node:fs';
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { Node } from 'constructs';
import type { BatchdropStackProps } from './batchdrop-stack.ts';
import type { BudgetProps } from './budget-props.ts';
import { NAME_OF_PROP } from './context-names.ts';
import { nearestName } from './guards/nearest-name.ts';
import { nameShown, shown } from './guards/shown.ts';
import { MONITORING_TIERS } from './monitoring/monitoring-props.ts';
import type { PriceProps } from './price-props.ts';
import { BatchdropTracing } from './tracing.ts';

/** Names that are not close to the one that they may stand for. */
const MEANT: Readonly<Record<string, string>> = { apiKey: 'apiKeySecretName' };

/** Names that the CDK adds to the context, except names with a colon, such as its feature flags. */
const NAMES_OF_CDK = new Set(['acknowledged-issue-numbers', 'cdk-migrate', 'cli-telemetry']);

/**
 * Reads props from the context, as in `cdk deploy -c pollMinutes=5`. Props that are not set keep their defaults.
 * `unknown` lists the names that nothing reads. Errors: an Error with every value of the wrong kind, and every name that
 * is close to a known one, one per line.
 */
export function readContext(node: Node): { props: BatchdropStackProps; unknown: string[] } {
  const known = new Set<string>();
  const problems: string[] = [];
  const read = <T>(name: string, kind: string, parse: (given: string) => T | undefined): T | undefined => {
    known.add(name);
    const given: unknown = node.tryGetContext(name);
    if (given === undefined) return undefined;
    const value = parse(String(given));
    if (value === undefined) problems.push(`context ${name} is ${shown(given)}; set ${kind}.`);
    return value;
  };
  const text = (name: string) => read(name, 'some text', (given) => given.trim() || undefined);
  const count = <T>(name: string, unit: (amount: number) => T) =>
    read(name, 'a whole number above 0', (given) =>
      /^[1-9]\d*$/.test(given) ? unit(Number(given)) : undefined,
    );

  const hasWebhook = read('webhook', 'yes or no', oneOf({ yes: true, no: false }));
  const stackName = text('stackName');
  const props = {
    ...(stackName !== undefined && { stackName }),
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
    webhookSecretName: text('webhookSecretName'),
    maxConcurrency: read('maxConcurrency', 'a whole number', (given) =>
      /^\d+$/.test(given) ? Number(given) : undefined,
    ),
    expireFilesAfter: count('expireFilesAfterDays', Duration.days),
    maxAttempts: count('maxAttempts', (amount) => amount),
    enqueuedTokens: read(
      'enqueuedTokens',
      'models and whole numbers of tokens, such as gpt-4o-mini=2000000,gpt-4o=90000',
      tokensByModel,
    ),
    maxOpenBatches: count('maxOpenBatches', (amount) => amount),
    budget: read('budget', 'a JSON file with a budget, or JSON', jsonIn<BudgetProps>),
    shares: sharesIn(
      text('sharesBy'),
      read('shareWeights', 'shares and their weights, such as search=3,*=1', weightsByShare),
    ),
    approveAbove: read('approveAbove', 'an amount of money, such as 20 or 0.5', (given) =>
      /^\d+(\.\d+)?$/.test(given) ? Number(given) : undefined,
    ),
    approvalExpiresAfter: count('approvalExpiresAfterDays', Duration.days),
    prices: read('prices', 'a JSON file with prices, or JSON', jsonIn<PriceProps>),
    rerunMissing: read('rerunMissing', 'yes or no', oneOf({ yes: true, no: false })),
    flatResults: read('flatResults', 'yes or no', oneOf({ yes: true, no: false })),
    keepOpenAiFiles: read('keepOpenAiFiles', 'yes or no', oneOf({ yes: true, no: false })),
    tracing: read('tracing', 'xray', oneOf({ xray: BatchdropTracing.xRay() })),
    monitoring: read('monitoring', 'none, basic or full', (given) =>
      MONITORING_TIERS.find((tier) => tier === given),
    ),
    alarmEmail: text('alarmEmail'),
    removalPolicy: read(
      'removal',
      'retain or destroy',
      oneOf({ retain: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE, destroy: RemovalPolicy.DESTROY }),
    ),
  };
  const unknown = unknownNames(node, known);
  problems.push(...typosIn(unknown, known));
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return { props, unknown };
}

/** A name with a colon is a feature flag, a looked-up value, or a value of a plugin. */
function unknownNames(node: Node, known: ReadonlySet<string>): string[] {
  return Object.keys(node.getAllContext()).filter(
    (name) => !known.has(name) && !name.includes(':') && !NAMES_OF_CDK.has(name),
  );
}

function typosIn(unknown: readonly string[], known: ReadonlySet<string>): string[] {
  return unknown.flatMap((name) => {
    const meant = MEANT[name] ?? NAME_OF_PROP[name] ?? nearestName(name, known);
    return meant === undefined ? [] : `context ${nameShown(name)} is unknown; did you mean ${meant}?`;
  });
}

/** Parses `model=tokens` pairs that are separated by commas. The name of a model may contain colons and dashes. */
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

/** What is wrong with the value is told with all other problems of the props. */
function jsonIn<T>(given: string): T | undefined {
  try {
    return JSON.parse(given.trimStart().startsWith('{') ? given : readFileSync(given, 'utf8'));
  } catch {
    return undefined;
  }
}

function oneOf<T>(meanings: Record<string, T>): (given: string) => T | undefined {
  return (given) => (Object.hasOwn(meanings, given) ? meanings[given] : undefined);
}
