import { describe, expect, it } from 'vitest';
import { TASK_ERRORS, TASK_LIMITS } from '../../../functions/shared/contract/messages/start-request.ts';
import type { WaitingTasks } from '../../../functions/shared/ports/ports.ts';
import type { InMemoryTasks } from '../../fakes/workflows/in-memory-tasks.ts';

const TOKEN = 't'.repeat(TASK_LIMITS.tokenLength);

/** The contract of everything that answers tasks. `state`: what the state machine knows of its tasks. */
export function describeTasksContract(
  name: string,
  make: () => Promise<{
    tasks: WaitingTasks;
    state: Pick<InMemoryTasks, 'begin' | 'timeOut' | 'endOf'>;
    close(): Promise<void>;
  }>,
): void {
  describe(`${name} as the tasks of a state machine`, () => {
    it('gives a task its output, once', async () => {
      const { tasks, state, close } = await make();
      try {
        state.begin(TOKEN);
        expect(await tasks.succeed(TOKEN, '{"ü":1}')).toBe('answered');
        expect(await tasks.succeed(TOKEN, '{"ü":2}')).toBe('gone');
        expect(await tasks.fail(TOKEN, TASK_ERRORS.failed, '{}')).toBe('gone');
        expect(state.endOf(TOKEN)).toEqual({ output: '{"ü":1}' });
      } finally {
        await close();
      }
    });

    it('fails a task with an error and the longest cause', async () => {
      const { tasks, state, close } = await make();
      try {
        state.begin(TOKEN);
        const cause = 'x'.repeat(TASK_LIMITS.causeLength);
        expect(await tasks.fail(TOKEN, TASK_ERRORS.rejected, cause)).toBe('answered');
        expect(state.endOf(TOKEN)).toEqual({ error: 'Batchdrop.Rejected', cause });
      } finally {
        await close();
      }
    });

    it('knows tasks that do not wait any more, or never did', async () => {
      const { tasks, state, close } = await make();
      try {
        state.begin(TOKEN);
        state.timeOut(TOKEN);
        expect(await tasks.succeed(TOKEN, '{}')).toBe('gone');
        expect(await tasks.fail('nobody', TASK_ERRORS.failed, '{}')).toBe('gone');
      } finally {
        await close();
      }
    });
  });
}
