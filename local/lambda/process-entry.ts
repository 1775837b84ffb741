/**
 * The program of a function process. It loads the bundle and then runs one invocation after the other, like Lambda's
 * own bootstrap. `_HANDLER`, `LAMBDA_TASK_ROOT` and others are variables that Lambda sets.
 *
 * Life cycle: load → `ready` → (invocation → answer)*, or load → `unready` → end. The process ends with the channel, so
 * a killed runtime leaves no process behind. The exception is a handler that blocks its thread; its process ends when
 * the handler yields.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { peakMemoryMb } from './peak-memory.ts';
import type { InvokeMessage, ProcessMessage, RuntimeMessage, ThrownError } from './process-messages.ts';
import { provideModules } from './provided-modules.ts';
import { installShiftedDate, wallTime } from './shifted-date.ts';

type Handler = (event: unknown, context: object) => unknown;

delete process.env.NODE_COMPILE_CACHE; // from FunctionProcess, for this program; Lambda has no such variable

const sdkFrom = process.argv.slice(2);
if (sdkFrom.length > 0) provideModules(required('LAMBDA_TASK_ROOT'), sdkFrom);
const date = installShiftedDate();
process.on('disconnect', () => process.exit(1));

const loadStarted = performance.now();
const handler = await loadHandler(required('_HANDLER'), required('LAMBDA_TASK_ROOT')).catch(endUnready);
let initMs: number | undefined = performance.now() - loadStarted;
process.on('message', (message: RuntimeMessage) => {
  if (message.kind === 'invoke') void run(message);
  else date.follow(message.reading);
});
send({ kind: 'ready' });

async function loadHandler(name: string, root: string): Promise<Handler> {
  const [file = '', exported = ''] = name.split('.');
  const path = ['.js', '.mjs', '.cjs'].map((ending) => join(root, file + ending)).find(existsSync);
  if (path === undefined) throw new Error(`${name}: the bundle has no file "${file}.js"`);
  const loaded: { [name: string]: unknown; default?: { [name: string]: unknown } } = await import(
    pathToFileURL(path).href
  );
  const found = loaded[exported] ?? loaded.default?.[exported];
  if (!isHandler(found)) throw new Error(`${name}: "${exported}" is not an exported function`);
  return found;
}

async function endUnready(cause: unknown): Promise<never> {
  console.error(JSON.stringify({ level: 'ERROR', code: 'init_failed', ...described(cause) }));
  const message: ProcessMessage = { kind: 'unready', error: nameAndMessage(cause) };
  await new Promise((resolve) => (process.send ? process.send(message, resolve) : resolve(undefined)));
  process.exit(1);
}

function isHandler(value: unknown): value is Handler {
  return typeof value === 'function';
}

async function run(message: InvokeMessage): Promise<void> {
  date.start(message.reading);
  const started = performance.now();
  try {
    const answer = await handler(message.event, contextOf(message));
    report(message.requestId, started, 'success');
    send({ kind: 'answer', requestId: message.requestId, answer: answer ?? null });
  } catch (cause) {
    console.error(JSON.stringify({ level: 'ERROR', code: 'handler_threw', ...described(cause) }));
    report(message.requestId, started, 'error');
    send({ kind: 'threw', requestId: message.requestId, error: nameAndMessage(cause) });
  }
}

function contextOf(message: InvokeMessage): object {
  return {
    awsRequestId: message.requestId,
    callbackWaitsForEmptyEventLoop: false,
    functionName: required('AWS_LAMBDA_FUNCTION_NAME'),
    functionVersion: '$LATEST',
    invokedFunctionArn: message.functionArn,
    logGroupName: required('AWS_LAMBDA_LOG_GROUP_NAME'),
    logStreamName: required('AWS_LAMBDA_LOG_STREAM_NAME'),
    memoryLimitInMB: required('AWS_LAMBDA_FUNCTION_MEMORY_SIZE'),
    getRemainingTimeInMillis: () => Math.max(0, Math.round(message.deadline - wallTime())),
  };
}

/** Logs one line per invocation, with the content of Lambda's report line. */
function report(requestId: string, started: number, status: 'success' | 'error'): void {
  const line = {
    type: 'platform.report',
    time: new Date().toISOString(),
    requestId,
    status,
    durationMs: Math.round(performance.now() - started),
    initMs: initMs === undefined ? undefined : Math.round(initMs),
    maxMemoryUsedMb: Math.round(peakMemoryMb()),
  };
  initMs = undefined;
  console.log(JSON.stringify(line));
}

function described(cause: unknown): object {
  if (!(cause instanceof Error)) return { message: String(cause) };
  const inner = cause.cause === undefined ? {} : { cause: described(cause.cause) };
  return { name: cause.name, message: cause.message, stack: cause.stack, ...inner };
}

function nameAndMessage(cause: unknown): ThrownError {
  if (cause instanceof Error) return { name: cause.name, message: cause.message };
  return { name: 'Error', message: String(cause) };
}

function send(message: ProcessMessage): void {
  process.send?.(message);
}

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`the environment of the function process lacks ${name}`);
  return value;
}
