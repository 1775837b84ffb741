import { releasedPart } from '../../../functions/shared/domain/spending/unresolved-creates.ts';
import type { Ledger } from '../../../functions/shared/ports/ports.ts';
import type { InMemoryLedger } from '../../fakes/in-memory-ledger.ts';
import type { FaultBook } from '../faults/fault-book.ts';
import type { FaultKind } from '../faults/fault-kinds.ts';
import type { Chance } from './chance.ts';
import { MINUTE } from './invocation.ts';
import type { Timeline } from './timeline.ts';

const ACCOUNT = 'org-ours';
const OTHER_ACCOUNT = 'org-other';
const KEYS_SWAPPED_MS = 2 * 60 * MINUTE;
const FIRST_HOUR_MS = 60 * MINUTE;

/** The operator, who rotates the key, pauses submission, releases stalled parts, and runs a gateway. */
export class Operator {
  readonly #timeline: Timeline;
  readonly #refused: { from: number; until: number } | undefined;
  readonly #other: { from: number; until: number } | undefined;
  readonly #vanishing: { from: number; until: number } | undefined;
  #repairedAt: number | undefined;

  constructor(timeline: Timeline, chance: Chance, faults: FaultBook, ledger: Ledger) {
    this.#timeline = timeline;
    const stretch = (kind: FaultKind, longestMs: number) => {
      if (!faults.occurs(kind, 'the operator')) return undefined;
      const from = timeline.now() + chance.between(`from ${kind}`, 0, FIRST_HOUR_MS);
      return { from, until: from + chance.between(`until ${kind}`, MINUTE, longestMs) };
    };
    this.#refused = stretch('key refused until rotated', 90 * MINUTE);
    this.#other = stretch('key of another account', 120 * MINUTE);
    this.#vanishing = stretch('creates vanish for hours', 5 * 60 * MINUTE);
    const pause = stretch('paused and resumed', 60 * MINUTE);
    if (!pause) return;
    timeline.at(pause.from, () => void setPaused(ledger, true));
    timeline.at(pause.until, () => void setPaused(ledger, false));
  }

  keyRefused(): boolean {
    return this.#repairedAt === undefined && this.#isIn(this.#refused);
  }

  /** Returns whether a gateway drops every create without a response. */
  createsVanish(): boolean {
    return this.#repairedAt === undefined && this.#isIn(this.#vanishing);
  }

  /**
   * Returns the account of the current key. After the faults, the two keys alternate until nothing remains for either.
   */
  account(): string {
    if (this.#repairedAt === undefined) return this.#isIn(this.#other) ? OTHER_ACCOUNT : ACCOUNT;
    if (!this.#other) return ACCOUNT;
    const turns = Math.floor((this.#timeline.now() - this.#repairedAt) / KEYS_SWAPPED_MS);
    return turns % 2 === 0 ? ACCOUNT : OTHER_ACCOUNT;
  }

  /** Returns true if files and batches may belong to two accounts. */
  hasTwoAccounts(): boolean {
    return this.#other !== undefined;
  }

  /** From now on, the API accepts the key. */
  repair(): void {
    this.#repairedAt = this.#timeline.now();
  }

  #isIn(stretch: { from: number; until: number } | undefined): boolean {
    const now = this.#timeline.now();
    return stretch !== undefined && now >= stretch.from && now < stretch.until;
  }
}

/** Releases every stalled part, like a person who has investigated. */
export async function releaseStalled(
  ledger: Pick<InMemoryLedger, 'parts' | 'replacePart'>,
  now: number,
): Promise<void> {
  for (const part of ledger.parts(({ phase }) => phase === 'stalled')) {
    const released = part.phase === 'stalled' ? releasedPart(part, now) : undefined;
    if (released) await ledger.replacePart({ ...released, dueAt: now });
  }
}

async function setPaused(ledger: Ledger, paused: boolean): Promise<void> {
  for (;;) {
    const control = await ledger.readControl();
    if (await ledger.replaceControl({ ...control, paused })) return;
  }
}
