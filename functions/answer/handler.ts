import { TerminalError } from '../shared/domain/errors.ts';
import { jobIdIn } from '../shared/domain/work-message.ts';
import { type AnswerDeps, answerTasksOf } from './answer-tasks.ts';

/** Handles one message, the event of a job's last status. Errors: TerminalError `unreadable_message`; those of `answerTasksOf`. */
export function createHandler(deps: AnswerDeps): (body: string) => Promise<void> {
  return async (body) => {
    const jobId = jobIdIn(body);
    if (jobId === undefined)
      throw new TerminalError('unreadable_message', 'answer: the message is not the event of a job');
    await answerTasksOf(deps, jobId);
  };
}
