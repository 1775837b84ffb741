/** How to run an app that is not this project's own. */
export interface AppOptions {
  /** Names of its stacks. By default, all. */
  readonly only?: readonly string[] | undefined;
  /** Where its functions may find the AWS SDK, which Lambda provides: folders of modules that are looked up from there. */
  readonly sdkFrom: readonly string[];
  /** Receives each line that a function of the app prints. Those of a Batchdrop are in their log only. */
  readonly onLog: (functionName: string, line: string) => void;
}
