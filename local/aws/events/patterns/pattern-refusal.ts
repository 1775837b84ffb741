import type { AwsError } from '../../protocol/aws-error.ts';

/** Makes the error for a pattern that AWS refuses for that reason. */
export type Refuse = (reason: string) => AwsError;
