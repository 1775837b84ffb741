/**
 * START begins the job of a task of Step Functions, which waits with a token until ANSWER tells it how the job ended.
 *   1. look    at the file that the task names
 *   2. record  the token, under an id that fits into S3's metadata (`callback.ts`). From then on, any end finds it
 *   3. copy    the file into the request bucket, with the id as the instruction `batchdrop-callback`. INTAKE does the rest
 *
 * If it fails, the task fails at once, by the name of the error. A task that is tried again has another token and copies
 * the same bytes to the same key, which join the job of the first try, so nothing is paid for twice. A crash after the
 * copy has the same effect.
 *
 * Known gap: a task that times out does not cancel its job, because other tasks may wait for it.
 */
import { type StartRequest, TASK_ERRORS } from '../shared/contract/messages/start-request.ts';
import {
  CALLBACK_INSTRUCTION,
  FILE_LIMITS,
  INSTRUCTION_PREFIX,
  METADATA_PREFIX,
} from '../shared/contract/request-file.ts';
import type { S3ObjectRef } from '../shared/domain/outgoing-event.ts';
import { settledCallback, waitingCallback } from '../shared/domain/workflows/callback.ts';
import type { Callbacks, Deadline, ObjectFacts, Ports, RequestCopies } from '../shared/ports/ports.ts';
import { TaskFailure } from './task-failure.ts';

/** `requestPrefix`: the start of the keys of request files. */
export type StartDeps = Pick<Ports, 'clock' | 'log'> & {
  callbacks: Callbacks;
  copies: RequestCopies;
  requestBucket: string;
  requestPrefix: string;
};

const MAX_KEY_BYTES = 1_024; // S3's limit

/** Begins the job of one task. Errors: TaskFailure; those of the ports. */
export async function startJob(deps: StartDeps, request: StartRequest, { signal }: Deadline): Promise<void> {
  const { callbacks, copies, clock, log } = deps;
  const { bucket, key } = request;
  const file = { bucket: deps.requestBucket, key: requestKey(deps, request) };
  const facts = await look(deps, request);
  const callback = waitingCallback(request, file, clock.now());
  const { callbackId } = callback;
  await callbacks.save(callback);
  const metadata = { ...forBatchdrop(facts), [CALLBACK_INSTRUCTION]: callbackId };
  try {
    await copies.copy({ bucket, key, size: facts.size, etag: facts.etag }, { ...file, metadata }, signal);
  } catch (failure) {
    // The task fails, so nobody waits. Without this, the token would be kept until the task had timed out.
    await callbacks.save(settledCallback(callback, clock.now()));
    throw failure;
  }
  log.info('file_copied', { callbackId, bytes: facts.size });
}

/**
 * Returns the key of the copy. A file that is a request file already keeps its key, so that its copy joins the job of the
 * upload.
 */
function requestKey({ requestBucket, requestPrefix }: StartDeps, { bucket, key }: S3ObjectRef): string {
  if (bucket === requestBucket && key.startsWith(requestPrefix)) return key;
  const named = requestPrefix + key;
  if (Buffer.byteLength(named) <= MAX_KEY_BYTES) return named;
  const message = `key is too long: with the prefix ${requestPrefix}, it has more than ${MAX_KEY_BYTES} bytes`;
  throw new TaskFailure(TASK_ERRORS.invalidInput, message);
}

async function look({ copies }: StartDeps, { bucket, key }: S3ObjectRef): Promise<ObjectFacts> {
  const facts = await copies.look({ bucket, key });
  if (!facts) throw new TaskFailure(TASK_ERRORS.sourceMissing, `there is no file ${bucket}/${key}`);
  if (facts.size <= FILE_LIMITS.bytes) return facts;
  const message = `the file has ${facts.size} bytes; ${FILE_LIMITS.bytes} are allowed, split it`;
  throw new TaskFailure(TASK_ERRORS.rejected, message);
}

/** Returns the pairs of the source that mean something to Batchdrop. Others could exceed S3's limit with the new pair. */
function forBatchdrop({ metadata }: ObjectFacts): Record<string, string> {
  return Object.fromEntries(
    Object.entries(metadata).filter(
      ([name]) => name.startsWith(METADATA_PREFIX) || name.startsWith(INSTRUCTION_PREFIX),
    ),
  );
}
