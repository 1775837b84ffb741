import type { Credentials } from '../../local/aws/iam/signature.ts';
import { readOwnerCredentials } from '../../local/runtime/owner-credentials.ts';
import { readRuntimeEndpoints } from '../../local/runtime/runtime-endpoints.ts';
import { Failure } from '../terminal/failure.ts';

/** The place where a Batchdrop runs: this machine, or a stack in an AWS account. */
export type Target =
  | {
      readonly kind: 'local';
      readonly url: string;
      readonly credentials?: Credentials | undefined;
      /** Where the runtime stores its data, if it is known. */
      readonly data?: string | undefined;
      /** The stack of the app, and the id of the construct, if the app has several Batchdrops. */
      readonly stack?: string | undefined;
      readonly construct?: string | undefined;
    }
  | {
      readonly kind: 'account';
      readonly stack: string;
      /** `BATCHDROP_STACK` names the stack, and no option does. */
      readonly isFromEnvironment?: boolean;
      /** The id of the construct, if the stack contains several. */
      readonly construct?: string | undefined;
      readonly region?: string | undefined;
      readonly profile?: string | undefined;
    };

/** The options that select a Batchdrop. */
export interface WhereOptions {
  readonly local?: boolean;
  readonly data?: string;
  readonly endpoint?: string;
  readonly stack?: string;
  readonly construct?: string;
  readonly region?: string;
  readonly profile?: string;
}

/** The default name of the stack. */
export const STACK_NAME = 'Batchdrop';

/**
 * Where a runtime stores its data. Each Batch API has its own directory, because the jobs of one do not exist in the
 * other.
 */
export const DATA_DIRECTORY = {
  local: '.batchdrop',
  real: '.batchdrop-real',
  server: '.batchdrop-server',
} as const;

const ANY_CREDENTIALS: Credentials = { accessKeyId: 'batchdrop-cli', secretAccessKey: 'local' };

/** The variable that names the stack of every command. */
export const STACK_VARIABLE = 'BATCHDROP_STACK';

/**
 * Returns an account only if one of its options is given, or `BATCHDROP_STACK` names a stack, and no option selects a runtime.
 * Otherwise returns the runtime on this machine, whose app may have several stacks as well. Throws a Failure.
 */
export function targetOf(
  options: WhereOptions,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Target {
  const { stack, construct, region, profile } = options;
  const isLocal = [options.local, options.data, options.endpoint].some((given) => given !== undefined);
  if (isLocal) return { ...here(options), stack, construct };
  const named = env[STACK_VARIABLE] || undefined;
  if ([stack, construct, region, profile, named].some((given) => given !== undefined)) {
    const isFromEnvironment = stack === undefined && named !== undefined;
    const account = { kind: 'account', construct, region, profile } as const;
    return {
      ...account,
      stack: stack ?? named ?? STACK_NAME,
      ...(isFromEnvironment && { isFromEnvironment }),
    };
  }
  return here(options);
}

function here({ endpoint, data }: WhereOptions) {
  return { kind: 'local', ...(endpoint ? atAddress(endpoint) : runtimeIn(data)) } as const;
}

/**
 * The address of a runtime, and the credentials with which calls must be signed. Without them, any credentials work.
 */
interface Runtime {
  readonly url: string;
  readonly credentials?: Credentials | undefined;
  readonly data?: string | undefined;
}

/** Returns the name of the stack. Of a runtime on this machine, the default one if none is named. */
export function stackIn(target: Target): string {
  return target.stack ?? STACK_NAME;
}

/** Returns the configuration of every AWS client for this target. */
export function clientConfigAt(target: Target) {
  if (target.kind === 'local') {
    return {
      endpoint: target.url,
      region: 'us-east-1',
      credentials: target.credentials ?? ANY_CREDENTIALS,
      maxAttempts: 2, // if a call to this machine fails twice, nothing is listening
    };
  }
  const { region, profile } = target;
  return { ...(region !== undefined && { region }), ...(profile !== undefined && { profile }) };
}

function runtimeIn(directory: string | undefined): Runtime {
  const directories = directory === undefined ? Object.values(DATA_DIRECTORY) : [directory];
  const running = directories.flatMap((path) => {
    const endpoints = readRuntimeEndpoints(path);
    return endpoints === undefined ? [] : [{ ...endpoints, path }];
  });
  // The file of a killed runtime remains. That matters only if there are several files.
  const candidates = running.length > 1 ? running.filter(({ pid }) => isAlive(pid)) : running;
  const [found, another] = candidates;
  if (found === undefined) {
    throw new Failure(
      `No Batchdrop is running in ${directory ?? DATA_DIRECTORY.local}. Start one with npm start, select another with --data or --endpoint, or select a deployed stack with --stack.`,
    );
  }
  if (another !== undefined) {
    throw new Failure(
      `Two Batchdrops are running here. Select one with --data ${directories.join(' or --data ')}.`,
    );
  }
  return { url: found.url, credentials: readOwnerCredentials(found.path), data: found.path };
}

/**
 * Returns the credentials from one of the usual data directories if the runtime is there, otherwise from the variables
 * that `up` prints.
 */
function atAddress(url: string): Runtime {
  const here = Object.values(DATA_DIRECTORY).find((path) => readRuntimeEndpoints(path)?.url === url);
  const known = here === undefined ? undefined : readOwnerCredentials(here);
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = process.env;
  const given = accessKeyId && secretAccessKey ? { accessKeyId, secretAccessKey } : undefined;
  return { url, credentials: known ?? given, data: here };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
