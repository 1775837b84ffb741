import { TASK_ERRORS, type TaskErrorName } from '../shared/contract/messages/start-request.ts';
import { RetryableError, TerminalError } from '../shared/domain/errors.ts';

/** Fails a task. Lambda reports its name to Step Functions, where a state can retry or catch it. */
export class TaskFailure extends Error {
  constructor(name: TaskErrorName, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.name = name;
  }
}

/** What a TerminalError of the copies means for the task. */
const NAME_OF_CODE: Readonly<Record<string, TaskErrorName>> = {
  access_denied: TASK_ERRORS.sourceDenied,
  metadata_too_large: TASK_ERRORS.invalidInput,
  object_gone: TASK_ERRORS.sourceChanged,
};

/** Returns the failure of the task; a defect stays as it is. */
export function asTaskFailure(failure: unknown): unknown {
  if (failure instanceof RetryableError) {
    const { said, message } = failure;
    return new TaskFailure(TASK_ERRORS.notStarted, said ?? message, { cause: failure });
  }
  const name = failure instanceof TerminalError ? NAME_OF_CODE[failure.code] : undefined;
  if (!(failure instanceof TerminalError) || name === undefined) return failure;
  return new TaskFailure(name, failure.message, { cause: failure });
}
