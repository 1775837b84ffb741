import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { BatchdropProps } from './batchdrop-props.ts';
import { DEFAULT_BASE_URL } from './resources/openai-account.ts';

const DEFAULT_ATTEMPTS = 3;
const MAX_ATTEMPTS = 10; // each may take a day, and what fails ten times is not a transient failure

/** Props with their defaults filled in. */
export type CheckedProps = ReturnType<typeof checkedProps>;

/** Fills in the defaults. Throws for values that are invalid or contradict each other. */
export function checkedProps(props: BatchdropProps) {
  const { requestBucket, requestPrefix, maxAttempts = DEFAULT_ATTEMPTS } = props;
  if (requestPrefix !== undefined && requestBucket === undefined) {
    throw new Error(
      'requestPrefix needs a requestBucket of yours: in the bucket made here every file is looked at, so that none is overlooked in silence.',
    );
  }
  if (!Number.isInteger(maxAttempts) || maxAttempts < 1 || maxAttempts > MAX_ATTEMPTS) {
    throw new Error(`maxAttempts has to be a whole number from 1 to ${MAX_ATTEMPTS}; it is ${maxAttempts}`);
  }
  if (props.vpc === undefined && (props.vpcSubnets ?? props.securityGroups) !== undefined) {
    throw new Error('vpcSubnets and securityGroups need a vpc: set it, or remove them.');
  }
  return {
    ...props,
    maxAttempts,
    baseUrl: props.baseUrl ?? DEFAULT_BASE_URL,
    completionWindow: props.completionWindow ?? '24h',
    pollInterval: props.pollInterval ?? Duration.minutes(1),
    removalPolicy: props.removalPolicy ?? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    keepOpenAiFiles: props.keepOpenAiFiles ?? false,
    rerunMissing: props.rerunMissing ?? false,
  };
}
