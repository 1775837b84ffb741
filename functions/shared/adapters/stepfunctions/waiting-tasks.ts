import { SendTaskFailureCommand, SendTaskSuccessCommand, type SFNClient } from '@aws-sdk/client-sfn';
import { RetryableError } from '../../domain/errors.ts';
import type { WaitingTasks } from '../../ports/ports.ts';
import { awsFailure } from '../aws/aws-failure.ts';

/** What Step Functions answers about a task that does not wait any more. */
const GONE: ReadonlySet<string> = new Set(['TaskTimedOut', 'TaskDoesNotExist', 'InvalidToken']);

/** Answers tasks through Step Functions. */
export function createStepFunctionsTasks(client: SFNClient): WaitingTasks {
  return {
    succeed: (taskToken, output) =>
      answered('report the success of a task', () =>
        client.send(new SendTaskSuccessCommand({ taskToken, output })),
      ),
    fail: (taskToken, error, cause) =>
      answered('report the failure of a task', () =>
        client.send(new SendTaskFailureCommand({ taskToken, error, cause })),
      ),
  };
}

async function answered(tried: string, call: () => Promise<unknown>): Promise<'answered' | 'gone'> {
  try {
    await call();
    return 'answered';
  } catch (error) {
    if (error instanceof Error && GONE.has(error.name)) return 'gone';
    // Without the error as its cause, because a message of Step Functions may quote the token.
    const { message } = awsFailure(tried, error);
    throw new RetryableError(message);
  }
}
