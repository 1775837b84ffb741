import { isOver } from '../../../functions/shared/domain/job.ts';
import type { HoldPolicy } from '../../../functions/shared/domain/money/reason-to-hold.ts';
import { APPROVAL_EXPIRES_MS } from '../../../functions/shared/domain/timing.ts';
import type { InMemoryLedger } from '../../fakes/in-memory-ledger.ts';
import { Chance } from './chance.ts';
import { MINUTE } from './invocation.ts';
import type { Timeline } from './timeline.ts';

const EVERY_NTH = 4;
const HOLDS_ALL_SHARE = 0.3;
const HOLD_SHARE = 0.6;
const EARLY_SHARE = 0.12;
const APPROVED_SHARE = 0.55;
const CANCELLED_SHARE = 0.2;

/** Every fourth history holds jobs: those whose files ask for it, or all of them. */
export function holdsOf(seed: number): HoldPolicy | undefined {
  if (seed % EVERY_NTH !== 0) return undefined;
  const chance = new Chance(seed);
  const minutes = chance.pick('time for approvals', [20, 180, 1560]) ?? 0;
  const holdsAll = chance.of('every job is held') < HOLDS_ALL_SHARE; // the models have no price
  return { expiresAfterMs: minutes * MINUTE, ...(holdsAll && { approveAbove: 0n }) };
}

interface Surroundings {
  timeline: Timeline;
  chance: Chance;
  ledger: InMemoryLedger;
  note(what: string): void;
  approve(jobId: string, from: string): void;
  cancel(jobId: string, from: string): void;
}

/** Who approves jobs that are held: in time, too late, twice, before the file is read, or not at all. */
export class Approver {
  readonly policy: HoldPolicy;
  /** When each job was first approved, by its id. */
  readonly approvedAt = new Map<string, number>();
  /** Acknowledged approvals that left no trace. */
  readonly unheard: string[] = [];
  checked = 0;
  readonly #isOn: boolean;
  readonly #with: Surroundings;
  readonly #noticed = new Set<string>();

  constructor(holds: HoldPolicy | undefined, surroundings: Surroundings) {
    this.#isOn = holds !== undefined;
    this.policy = holds ?? { expiresAfterMs: APPROVAL_EXPIRES_MS };
    this.#with = surroundings;
  }

  /** The instruction of a file that is uploaded; `name` names the upload. */
  instructionOf(name: string): Record<string, string> {
    const isHeld = this.#isOn && this.#with.chance.of(`hold ${name}`) < HOLD_SHARE;
    return isHeld ? { 'batchdrop-hold': 'yes' } : {};
  }

  /** A file was uploaded: somebody may approve its job at once. */
  uploaded(jobId: string, name: string): void {
    const { chance } = this.#with;
    if (!this.#isOn || chance.of(`approved early ${name}`) >= EARLY_SHARE) return;
    this.#after(chance.between(`early ${name}`, 0, MINUTE), () => this.#approve(jobId, `early ${name}`));
  }

  /** The event that a job is held was published, perhaps again. */
  noticed(jobId: string): void {
    if (this.#noticed.has(jobId)) return;
    this.#noticed.add(jobId);
    const { chance, cancel } = this.#with;
    const dice = chance.of(`decision on ${jobId}`);
    const patience = chance.of(`impatient with ${jobId}`) < 0.5 ? 20 * MINUTE : this.policy.expiresAfterMs;
    const after = chance.between(`looked at ${jobId}`, 0, 1.1 * patience);
    if (dice < APPROVED_SHARE) {
      this.#after(after, () => this.#approve(jobId, `approval of ${jobId}`));
      const again = chance.between(`looked again at ${jobId}`, 0, this.policy.expiresAfterMs);
      if (chance.of(`approved again ${jobId}`) < 0.4)
        this.#after(after + again, () => this.#approve(jobId, `second approval of ${jobId}`));
    }
    const refuses =
      dice >= APPROVED_SHARE - CANCELLED_SHARE / 2 && dice < APPROVED_SHARE + CANCELLED_SHARE / 2;
    const nearly = chance.between(`refused ${jobId}`, -MINUTE, MINUTE); // at about the time of an approval
    if (refuses) this.#after(Math.max(0, after + nearly), () => cancel(jobId, `refusal of ${jobId}`));
  }

  /** Once an approval is acknowledged, its job has it, unless that came too late. */
  acknowledged(jobId: string): void {
    const [job] = this.#with.ledger.jobs().filter((known) => known.jobId === jobId);
    if (!job || isOver(job) || job.cancelRequestedAt !== undefined) return;
    this.checked += 1;
    if (job.approvedAt === undefined) this.unheard.push(`job ${jobId}`);
  }

  #approve(jobId: string, from: string): void {
    const { timeline, note, approve } = this.#with;
    if (!this.approvedAt.has(jobId)) this.approvedAt.set(jobId, timeline.now());
    note(`somebody approves ${jobId}`);
    approve(jobId, from);
  }

  #after(milliseconds: number, act: () => void): void {
    const { timeline } = this.#with;
    timeline.at(timeline.now() + Math.floor(milliseconds), act);
  }
}
