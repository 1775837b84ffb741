/*
 * Replaces `@aws-sdk/credential-provider-node` in the bundles (`left-out.ts`). Lambda passes credentials in environment
 * variables. The SDK's chain of other sources would be a quarter of a bundle and would be loaded at each cold start.
 */
import { environmentCredentials } from '../../../functions/shared/adapters/aws/environment-credentials.ts';

/** Replaces the SDK's function of this name; reads environment variables only. */
export const defaultProvider = () => environmentCredentials;
