/*
 * Replaces `@aws-sdk/credential-provider-node` in the bundles (`left-out.ts`). Lambda passes credentials in environment
 * variables. The SDK's chain of other sources would be a quarter of a bundle and would be loaded at each cold start.
 */

interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

/** Replaces the SDK's function of this name; reads environment variables only. */
export function defaultProvider(): () => Promise<Credentials> {
  return async () => {
    const {
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_SESSION_TOKEN: sessionToken,
    } = process.env;
    if (!accessKeyId || !secretAccessKey) throw new Error('no credentials in the environment variables');
    return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
  };
}
