import { Sha256 } from './sha256.ts';

/**
 * For every AWS client except S3's: a call that hangs takes at most 20 seconds, including three attempts. Only its item
 * waits, and the other items are handled (rule 5 of "What an answer is worth", docs/architecture.md).
 */
export const AWS_CLIENT_SETTINGS = {
  requestHandler: {
    connectionTimeout: 2_000,
    requestTimeout: 5_000, // until the response begins; these services respond within a second
    throwOnRequestTimeout: true,
    socketTimeout: 5_000,
  },
  maxAttempts: 3,
  sha256: Sha256,
} as const;

/** For S3, which may send nothing while it copies or assembles gigabytes. */
export const S3_CLIENT_SETTINGS = {
  requestHandler: { connectionTimeout: 3_000, socketTimeout: 30_000 },
  maxAttempts: 3,
  sha256: Sha256,
} as const;
