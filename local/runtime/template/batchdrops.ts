/** Finds the Batchdrops of a stack by its outputs, on one machine and in an account. */

/** The outputs of one Batchdrop, by the path of its construct in the stack, as in logical ids. */
type OutputsByPath = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** The construct of this project's own stack. The names of its outputs have no path. */
const LONE_CONSTRUCT = 'Batchdrop';
const PATHED_OUTPUT = /^(?<path>\w*)Names(?<name>[A-Z][A-Za-z]+)[0-9A-F]{8}$/;

/** The output that each Batchdrop has. */
const MARK = 'CancelQueueUrl';

/** The names of the resources that users of a Batchdrop need. */
export interface Batchdrop {
  readonly stack: string;
  /** The path of the construct in the stack, without slashes. It is the prefix of the logical ids of its resources. */
  readonly construct: string;
  readonly requestBucket: string;
  readonly resultsBucket: string;
  /** The start of all keys in the results bucket. */
  readonly resultsPrefix?: string;
  readonly cancelQueueUrl: string;
  readonly approvalQueueUrl: string;
  readonly eventBus: string;
  readonly instance: string;
  readonly ledgerTable: string;
  /** The URL at which WEBHOOK receives webhooks, if the stack has it. */
  readonly webhookUrl?: string;
}

/** Returns the outputs of each Batchdrop, without the stack's other outputs. */
export function outputsByConstruct(outputs: ReadonlyMap<string, string>): OutputsByPath {
  const found = new Map<string, Map<string, string>>();
  for (const [key, value] of outputs) {
    const { path, name } = PATHED_OUTPUT.exec(key)?.groups ?? {};
    if (path === undefined || name === undefined) continue;
    const its = found.get(path) ?? new Map<string, string>();
    found.set(path, its.set(name, value));
  }
  const batchdrops = [...found].filter(([, its]) => its.has(MARK));
  if (batchdrops.length === 0 && outputs.has(MARK)) return new Map([[LONE_CONSTRUCT, outputs]]);
  return new Map(batchdrops);
}

/** Returns the Batchdrops of a stack. Throws an Error if an output is missing. */
export function batchdropsOf(stack: string, outputs: ReadonlyMap<string, string>): Batchdrop[] {
  return [...outputsByConstruct(outputs)].map(([construct, its]) => {
    const optional = (name: string) => its.get(name);
    const output = (name: string) => optional(name) ?? fail(`the stack ${stack} has no output ${name}`);
    const [resultsPrefix, webhookUrl] = [optional('ResultsPrefix'), optional('WebhookUrl')];
    return {
      stack,
      construct,
      requestBucket: output('RequestBucket'),
      resultsBucket: output('ResultsBucket'),
      ...(resultsPrefix === undefined ? {} : { resultsPrefix }),
      cancelQueueUrl: output(MARK),
      approvalQueueUrl: output('ApprovalQueueUrl'),
      eventBus: output('EventBus'),
      instance: output('Instance'),
      ledgerTable: output('LedgerTable'),
      ...(webhookUrl === undefined ? {} : { webhookUrl }),
    };
  });
}

function fail(problem: string): never {
  throw new Error(problem);
}
