import type { AwsError } from '../../protocol/aws-error.ts';

/** Creates AWS's error for an invalid pattern. */
export type Refuse = (reason: string) => AwsError;
