import { setTimeout as wait } from 'node:timers/promises';
import type { ReceivedEvent } from '../local/endpoint/user-program.ts';
import type { Outside } from './outside.ts';

const JOB = 'OpenAI Batch Job Status Change';
const ENDS: ReadonlySet<string> = new Set([
  'completed',
  'failed',
  'expired',
  'cancelled',
  'rejected',
  'joined',
]);

/** Returns whether this is the event of a job's end. */
export function isEnd({ 'detail-type': type, detail }: ReceivedEvent): boolean {
  return type === JOB && ENDS.has(String(detail.data.status));
}

/** Records Batchdrop's events, and S3's events of uploads, during the whole run. */
export class EventRecorder {
  readonly events: ReceivedEvent[] = [];
  readonly uploads: string[] = [];
  readonly #outside: Outside;
  readonly #listening: Promise<void>[] = [];
  #stopped = false;

  constructor(outside: Outside) {
    this.#outside = outside;
  }

  async start(bus: string): Promise<void> {
    const events = await this.#outside.subscribe('chaos-hears', bus, { source: ['batchdrop'] });
    const uploads = await this.#outside.subscribe('chaos-uploads', 'default', { source: ['aws.s3'] });
    this.#listening.push(
      this.#listen(events, (body) => this.events.push(JSON.parse(body))),
      this.#listen(uploads, (body) => this.uploads.push(body)),
    );
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#listening);
  }

  endedJobs(): Set<string> {
    return new Set(this.events.filter(isEnd).map(({ detail }) => detail.metadata.jobId ?? ''));
  }

  batchOf(jobId: string): string | undefined {
    const event = this.events.find(
      ({ detail }) => detail.metadata.jobId === jobId && detail.data.batchId !== undefined,
    );
    return event === undefined ? undefined : String(event.detail.data.batchId);
  }

  async #listen(queue: string, take: (body: string) => void): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.#outside.receive(queue, take);
      } catch {
        await wait(100); // the runtime is down; messages that were not deleted come again
      }
    }
  }
}
