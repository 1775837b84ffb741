/*
 * Replaces the SDK's reader of `~/.aws/config` and `~/.aws/credentials` in the bundles. Lambda has no such files. The
 * reader would load `node:fs/promises` at each cold start, and with it Node's modules for terminals.
 */

interface ConfigurationFiles {
  configFile: Record<string, never>;
  credentialsFile: Record<string, never>;
}

/** Replaces the SDK's function of this name; finds no settings. */
export function loadSharedConfigFiles(): Promise<ConfigurationFiles> {
  return Promise.resolve({ configFile: {}, credentialsFile: {} });
}

/** What separates a section from its name. Another file of the SDK imports it from here. */
export const CONFIG_PREFIX_SEPARATOR = '.';
