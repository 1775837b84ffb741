import { readRuntimeEndpoints } from '../../local/runtime/runtime-endpoints.ts';
import { Failure } from '../terminal/failure.ts';

/** Where a Batchdrop is: on this machine, or as a stack in an AWS account. */
export type Target =
  | { readonly kind: 'local'; readonly url: string }
  | {
      readonly kind: 'account';
      readonly stack: string;
      /** The path of the construct in the stack, where there are several. */
      readonly construct?: string | undefined;
      readonly region?: string | undefined;
      readonly profile?: string | undefined;
    };

/** How a command is told where. */
export interface WhereOptions {
  readonly local?: boolean;
  readonly data?: string;
  readonly endpoint?: string;
  readonly stack?: string;
  readonly construct?: string;
  readonly region?: string;
  readonly profile?: string;
}

/** What the stack is called unless its app calls it otherwise. */
export const STACK_NAME = 'Batchdrop';

/** Where a runtime keeps everything, by the Batch API it uses: jobs of the one mean nothing to the other. */
export const DATA_DIRECTORY = { local: '.batchdrop', real: '.batchdrop-real' } as const;

/** An account is used only when an option of it is given; otherwise it is the runtime of this machine. Throws a Failure. */
export function targetOf(options: WhereOptions): Target {
  const { stack, construct, region, profile } = options;
  if ([stack, construct, region, profile].some((given) => given !== undefined)) {
    return { kind: 'account', stack: stack ?? STACK_NAME, construct, region, profile };
  }
  return { kind: 'local', url: options.endpoint ?? urlOfRuntime(options.data) };
}

/** What the stack is called there. */
export function stackIn(target: Target): string {
  return target.kind === 'local' ? STACK_NAME : target.stack;
}

/** What every client of that target is made with. */
export function clientConfigAt(target: Target) {
  if (target.kind === 'local') {
    return {
      endpoint: target.url,
      region: 'us-east-1',
      credentials: { accessKeyId: 'batchdrop-cli', secretAccessKey: 'local' }, // any will do on one machine
      maxAttempts: 2, // the other side is this machine: what fails twice is not there
    };
  }
  const { region, profile } = target;
  return { ...(region !== undefined && { region }), ...(profile !== undefined && { profile }) };
}

function urlOfRuntime(directory: string | undefined): string {
  const directories = directory === undefined ? Object.values(DATA_DIRECTORY) : [directory];
  const running = directories.flatMap((path) => readRuntimeEndpoints(path) ?? []);
  // A runtime that was killed leaves its address behind: that matters only where there is a choice.
  const candidates = running.length > 1 ? running.filter(({ pid }) => isAlive(pid)) : running;
  const [found, another] = candidates;
  if (found === undefined) {
    throw new Failure(
      `No runtime works in ${directory ?? DATA_DIRECTORY.local}: start one with npm start, say where it is with --data or --endpoint, or name a deployed stack with --stack.`,
    );
  }
  if (another !== undefined) {
    throw new Failure(`Two runtimes work here: say with --data which, ${directories.join(' or ')}.`);
  }
  return found.url;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
