/**
 * ANSWER tells the tasks of Step Functions how their jobs ended. A message of its queue is the event of a job's last status.
 *   1. read    the job, and the callbacks that wait for it: its own, which its file names, and those that follow it
 *   2. follow  if another job runs the bytes (it was joined, or replaced this one), the callbacks follow that job. If it has
 *              ended already, they are answered now
 *   3. answer  each task once, and then remove its token
 *
 * A follower is noted first, and then the other job is read; the end of the other job is written first, and then its
 * followers are read. So one of both finds the other, whichever is first.
 *
 * A message may be repeated. A task that was answered has no token any more; if the removal was lost, Step Functions itself
 * refuses the second answer, which is as good as an answer.
 */

import { TerminalError } from '../shared/domain/errors.ts';
import { isOver, type Job } from '../shared/domain/job.ts';
import { type Callback, settledCallback } from '../shared/domain/workflows/callback.ts';
import { inParallel } from '../shared/lifecycle/in-parallel.ts';
import { type EventOrigin, jobStatusChange } from '../shared/lifecycle/status-events.ts';
import type { Callbacks, Ledger, Ports, WaitingTasks } from '../shared/ports/ports.ts';
import { instructionsIn } from '../shared/request-file/instructions.ts';
import { type TaskAnswer, taskAnswer } from './task-answer.ts';

export type AnswerDeps = Pick<Ports, 'clock' | 'log'> &
  EventOrigin & { ledger: Pick<Ledger, 'readJob'>; callbacks: Callbacks; tasks: WaitingTasks };

const CALLBACKS_AT_ONCE = 10; // many executions may wait for one job, such as those of a map over the same file

/** Tells the tasks that wait for an ended job. Errors: TerminalError `unknown_end`; RetryableError. */
export async function answerTasksOf(deps: AnswerDeps, jobId: string): Promise<void> {
  const job = await readEnded(deps, jobId);
  const own = await ownCallback(deps, job);
  const others = await followers(deps, job.jobId);
  const known = new Map([...own, ...others].map((callback) => [callback.callbackId, callback]));
  const waiting = [...known.values()].filter(isWaiting);
  if (waiting.length > 0) await answerOrFollow(deps, job, waiting);
}

/** Events are published after the ledger has the status, and the ledger keeps ended jobs longer than queues keep messages. */
async function readEnded({ ledger }: AnswerDeps, jobId: string): Promise<Job> {
  const job = await ledger.readJob(jobId);
  if (job && isOver(job)) return job;
  throw new TerminalError('unknown_end', `answer ${jobId}: the ledger has no end of such a job`);
}

async function ownCallback(deps: AnswerDeps, { request, jobId }: Job): Promise<Callback[]> {
  const { callback: callbackId } = instructionsIn(request.instructions);
  if (callbackId === undefined) return [];
  const callback = await deps.callbacks.read(callbackId);
  if (callback?.bucket === request.bucket && callback.key === request.key) return [callback];
  // It has expired; or somebody copied the metadata of a request file to another one, or set the instruction by hand.
  deps.log.warn(callback ? 'callback_of_another_file' : 'callback_unknown', { jobId, callbackId });
  return [];
}

/** A callback whose task was not answered yet. */
type WaitingCallback = Callback & { taskToken: string };

function isWaiting(callback: Callback): callback is WaitingCallback {
  return callback.taskToken !== undefined;
}

async function followers({ callbacks }: AnswerDeps, jobId: string): Promise<Callback[]> {
  const found: Callback[] = [];
  await inParallel(await callbacks.followersOf(jobId), CALLBACKS_AT_ONCE, async (callbackId) => {
    const callback = await callbacks.read(callbackId);
    if (callback) found.push(callback);
  });
  return found;
}

async function answerOrFollow(
  deps: AnswerDeps,
  job: Job,
  waiting: readonly WaitingCallback[],
): Promise<void> {
  const followed = jobOfSameBytes(job);
  if (followed === undefined) {
    const answer = taskAnswer(jobStatusChange(job, deps).detail);
    await inParallel(waiting, CALLBACKS_AT_ONCE, (callback) => answerOnce(deps, job, callback, answer));
    return;
  }
  await inParallel(waiting, CALLBACKS_AT_ONCE, (callback) => deps.callbacks.follow(followed, callback));
  deps.log.info('callbacks_follow', { jobId: job.jobId, followedJobId: followed, callbacks: waiting.length });
  const other = await deps.ledger.readJob(followed);
  if (other && isOver(other)) await answerOrFollow(deps, other, waiting);
}

/** Returns the job that runs the bytes of this one instead of it. */
function jobOfSameBytes(job: Job): string | undefined {
  if (job.status === 'joined') return job.joinedJobId;
  return job.status === 'cancelled' ? job.supersededBy : undefined;
}

async function answerOnce(
  deps: AnswerDeps,
  { jobId, status }: Job,
  callback: WaitingCallback,
  answer: TaskAnswer,
): Promise<void> {
  const { callbackId, taskToken } = callback;
  const { tasks, callbacks, clock, log } = deps;
  const told =
    'output' in answer
      ? await tasks.succeed(taskToken, answer.output)
      : await tasks.fail(taskToken, answer.error, answer.cause);
  await callbacks.save(settledCallback(callback, clock.now()));
  log.info(told === 'answered' ? 'task_answered' : 'task_gone', { jobId, callbackId, status });
}
