import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { DETAIL_TYPE } from '../../functions/shared/contract/events.ts';
import { readAudit } from '../../local/openai/audit-log.ts';
import type { EventRecorder } from './event-recorder.ts';
import type { KillableRuntime } from './killable-runtime.ts';

const BATCHDROP = fileURLToPath(new URL('../../bin/batchdrop.ts', import.meta.url));
const LOOKS_AFTER_MS = 2_000; // of wall time: twenty minutes of the runtime's time, so that a late create has arrived

/**
 * The person whom a stalled part waits for. As docs/operations.md says, searches the API for a batch that Batchdrop has
 * never reported. Adopts it with the CLI, or else releases the part.
 */
export class Operator {
  /** How many stalls were ended by hand. */
  stallsEnded = 0;
  readonly #runtime: KillableRuntime;
  readonly #ear: EventRecorder;
  readonly #heardAt = new Map<string, number>();
  readonly #ended = new Set<string>();

  constructor(runtime: KillableRuntime, ear: EventRecorder) {
    this.#runtime = runtime;
    this.#ear = ear;
  }

  /** Ends each stall that was reported long enough ago. */
  async endStalls(): Promise<void> {
    for (const { 'detail-type': type, detail } of this.#ear.events) {
      const { id, jobId } = detail.metadata;
      if (type !== DETAIL_TYPE.jobStalled || jobId === undefined || this.#ended.has(id)) continue;
      const heardAt = this.#heardAt.get(id) ?? performance.now();
      this.#heardAt.set(id, heardAt);
      if (performance.now() - heardAt < LOOKS_AFTER_MS) continue;
      if (await this.#endStall(jobId, Number(detail.data.partNumber))) this.#ended.add(id);
      else this.#heardAt.delete(id); // it has changed meanwhile, so it is checked once more
    }
  }

  async #endStall(jobId: string, part: number): Promise<boolean> {
    if (this.#ear.endedJobs().has(jobId)) return true;
    const batch = this.#unknownBatch(jobId, part);
    const adoption = batch === undefined ? [] : ['--adopt', batch, '--part', String(part)];
    const endpoint = ['--endpoint', this.#runtime.names.url];
    try {
      await promisify(execFile)(process.execPath, [BATCHDROP, 'release', jobId, ...adoption, ...endpoint]);
      this.stallsEnded += 1;
      return true;
    } catch {
      return false;
    }
  }

  #unknownBatch(jobId: string, part: number): string | undefined {
    const told = new Set(this.#ear.events.map(({ detail }) => String(detail.data.batchId)));
    const created = readAudit(this.#runtime.openAiDirectory).flatMap((entry) =>
      entry.event === 'batch.created' &&
      entry.metadata?.batchdrop_job === jobId &&
      entry.metadata.batchdrop_part === String(part)
        ? entry.batchId
        : [],
    );
    return created.find((batchId) => !told.has(batchId));
  }
}
