import { Duration, RemovalPolicy, Token } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { OPENAI_BASE_URL, parseBaseUrl } from '../functions/shared/contract/base-url.ts';
import type { BatchdropProps } from './batchdrop-props.ts';
import { refuse } from './guards/refuse.ts';
import { DEFAULT_MONITORING } from './monitoring/monitoring-props.ts';
import { DEFAULT_ATTEMPTS, DEFAULT_CONCURRENCY, propProblems } from './prop-problems.ts';
import { OPENAI_WINDOW } from './stages/completion-window.ts';

/** Props with their defaults filled in. */
export type CheckedProps = ReturnType<typeof checkedProps>;

/**
 * Fills in the defaults. A subclass may have props of its own. Errors: an Error with every problem of the props, one per line, each after the path of the
 * construct.
 */
export function checkedProps(
  scope: Construct,
  props: BatchdropProps,
  { isSubclass }: { readonly isSubclass: boolean },
) {
  refuse(scope, propProblems(scope, props, { isSubclass }));
  return {
    ...props,
    maxAttempts: props.maxAttempts ?? DEFAULT_ATTEMPTS,
    baseUrl: withoutSlash(props.baseUrl ?? OPENAI_BASE_URL),
    completionWindow: props.completionWindow ?? OPENAI_WINDOW,
    maxConcurrency: props.maxConcurrency ?? (props.monitoring === 'none' ? 0 : DEFAULT_CONCURRENCY),
    pollInterval: props.pollInterval ?? Duration.minutes(1),
    removalPolicy: props.removalPolicy ?? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    keepOpenAiFiles: props.keepOpenAiFiles ?? false,
    rerunMissing: props.rerunMissing ?? false,
    flatResults: props.flatResults ?? false,
    monitoring: props.monitoring ?? DEFAULT_MONITORING,
  };
}

/** Removes trailing slashes. The functions do the same for a base URL that is a token. */
function withoutSlash(baseUrl: string): string {
  if (Token.isUnresolved(baseUrl)) return baseUrl;
  const base = parseBaseUrl(baseUrl);
  return 'url' in base ? base.url : baseUrl;
}
