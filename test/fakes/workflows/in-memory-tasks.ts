import type { WaitingTasks } from '../../../functions/shared/ports/ports.ts';

/** How a task ended. `output` and `cause` are JSON. */
export type TaskEnd = { output: string } | { error: string; cause: string } | 'timed out';

/** The tasks of state machines that wait with a token. */
export interface InMemoryTasks extends WaitingTasks {
  /** A state begins to wait. */
  begin(taskToken: string): void;
  /** The time of a task is over. */
  timeOut(taskToken: string): void;
  /** Returns how a task ended; undefined while it waits. */
  endOf(taskToken: string): TaskEnd | undefined;
  /** Returns how often somebody tried to answer a task, also too late. */
  answers(): number;
}

/** As Step Functions: a task takes one answer, and none after its time. */
export function createInMemoryTasks(): InMemoryTasks {
  const ends = new Map<string, TaskEnd | undefined>();
  let answers = 0;
  const end = async (taskToken: string, how: TaskEnd) => {
    answers += 1;
    if (!ends.has(taskToken) || ends.get(taskToken) !== undefined) return 'gone';
    ends.set(taskToken, how);
    return 'answered';
  };
  return {
    begin: (taskToken) => void ends.set(taskToken, undefined),
    timeOut: (taskToken) => void ends.set(taskToken, 'timed out'),
    endOf: (taskToken) => ends.get(taskToken),
    answers: () => answers,
    succeed: (taskToken, output) => end(taskToken, { output }),
    fail: (taskToken, error, cause) => end(taskToken, { error, cause }),
  };
}
