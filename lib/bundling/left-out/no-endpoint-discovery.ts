/*
 * Replaces `@aws-sdk/middleware-endpoint-discovery` in the bundles, and with it a cache. The SDK's client of DynamoDB asks
 * the service for endpoints only if a variable says so, and for no operation of the ledger.
 */

/** Replaces the SDK's variable and setting of this name, which turn it on. */
export const NODE_ENDPOINT_DISCOVERY_CONFIG_OPTIONS = {
  environmentVariableSelector: () => undefined,
  configFileSelector: () => undefined,
  default: undefined,
};

/** Replaces the SDK's function of this name; adds nothing. */
export function resolveEndpointDiscoveryConfig<T>(config: T): T {
  return config;
}
