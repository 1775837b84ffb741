/*
 * Stands in the bundles in the place of `@aws-sdk/credential-provider-node` (`bundle.ts`). Lambda gives a function its
 * credentials in the environment; the SDK's chain of everything else is a quarter of a bundle, read at each cold start.
 */

interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

/** As the SDK's, for the environment alone. */
export function defaultProvider(): () => Promise<Credentials> {
  return async () => {
    const {
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_SESSION_TOKEN: sessionToken,
    } = process.env;
    if (!accessKeyId || !secretAccessKey) throw new Error('there are no credentials in the environment');
    return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
  };
}
