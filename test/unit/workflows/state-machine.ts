import type { AnswerDeps } from '../../../functions/answer/answer-tasks.ts';
import { createHandler as answerHandler } from '../../../functions/answer/handler.ts';
import { DETAIL_TYPE } from '../../../functions/shared/contract/events.ts';
import { isLastStatus } from '../../../functions/shared/domain/job.ts';
import { createHandler as startHandler } from '../../../functions/start/handler.ts';
import type { StartDeps } from '../../../functions/start/start-job.ts';
import { createInMemoryCallbacks } from '../../fakes/workflows/in-memory-callbacks.ts';
import { createInMemoryCopies, type MadeCopy } from '../../fakes/workflows/in-memory-copies.ts';
import { createInMemoryTasks, type TaskEnd } from '../../fakes/workflows/in-memory-tasks.ts';
import { REQUESTS, SmallWorld } from '../small-world.ts';

export const SOURCES = 'sources';
const DAY_S = 86_400;

/** A small world with START, ANSWER, and executions whose states wait for jobs. */
export class WaitingWorld extends SmallWorld {
  readonly callbacks = createInMemoryCallbacks({ clock: this.clock });
  readonly tasks = createInMemoryTasks();
  readonly copies = createInMemoryCopies({ clock: this.clock });
  readonly requestPrefix: string;
  #copied = 0;
  #told = 0;

  constructor(settings: ConstructorParameters<typeof SmallWorld>[0] & { requestPrefix?: string } = {}) {
    const { requestPrefix = '', ...others } = settings;
    super(others);
    this.requestPrefix = requestPrefix;
  }

  /** A state begins to wait, and START copies its file. Errors: those with which the task fails. */
  async begin(
    taskToken: string,
    { key = 'a.jsonl', bucket = SOURCES, timeoutSeconds = DAY_S } = {},
    replaced: Partial<StartDeps> = {},
  ): Promise<void> {
    this.tasks.begin(taskToken);
    const { callbacks, copies, requestPrefix, ports } = this;
    const deps = { ...ports, callbacks, copies, requestPrefix, requestBucket: REQUESTS, ...replaced };
    await startHandler(deps)({ bucket, key, taskToken, timeoutSeconds }, this.deadline());
  }

  /** The copies that arrived since the last call become jobs. Returns the ids of the jobs. */
  async intakeCopies(): Promise<string[]> {
    const arrived = this.copies.made().slice(this.#copied);
    this.#copied += arrived.length;
    const jobs: string[] = [];
    for (const copy of arrived) jobs.push(await this.#intake(copy));
    return jobs;
  }

  async #intake({ key, body, metadata }: MadeCopy): Promise<string> {
    return this.drop(key, body, metadata);
  }

  /** ANSWER receives the ends that were published since the last call. */
  async tellEnds(): Promise<void> {
    const published = this.bus.published();
    for (const event of published.slice(this.#told)) {
      if (event.detailType !== DETAIL_TYPE.jobStatusChange || !isLastStatus(event.detail.data.status))
        continue;
      await this.answer(event.detail.metadata.jobId);
    }
    this.#told = published.length;
  }

  /** ANSWER receives the end of a job. */
  answer(jobId: string, replaced: Partial<AnswerDeps> = {}): Promise<void> {
    const { callbacks, tasks, ports } = this;
    const handle = answerHandler({ ...ports, callbacks, tasks, ...replaced });
    return handle(JSON.stringify({ detail: { metadata: { jobId } } }));
  }

  /** Returns how a task ended, with its JSON parsed; undefined while it waits. */
  endOf(taskToken: string): Record<string, unknown> | 'timed out' | undefined {
    const end: TaskEnd | undefined = this.tasks.endOf(taskToken);
    if (end === undefined || end === 'timed out') return end;
    if ('output' in end) return { output: JSON.parse(end.output) };
    return { error: end.error, cause: JSON.parse(end.cause) };
  }
}
