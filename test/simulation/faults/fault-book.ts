import type { Chance } from '../world/chance.ts';
import { FAULT_KINDS, FAULT_RATES, type FaultKind } from './fault-kinds.ts';

const SHARE_OF_KINDS = 0.6; // histories differ in which kinds they hold: some faults hide what others would show
const INTENSITIES = [0.3, 1, 1, 2];

/** What is left out of a history: to shrink it, and to see what a fault changed. */
export interface LeftOut {
  kinds?: readonly FaultKind[];
  /** All faults but these, as `FaultBook.struck` names them. */
  allFaultsBut?: readonly string[];
  /** Deeds of users, by number. */
  deeds?: readonly number[];
}

/** Decides where faults strike, and keeps the account of those that did. */
export class FaultBook {
  readonly #chance: Chance;
  readonly #rates = new Map<FaultKind, number>();
  readonly #leftOut: ReadonlySet<FaultKind>;
  readonly #kept: ReadonlySet<string> | undefined;
  /** Names of the faults that struck, in order. */
  readonly struck: string[] = [];
  readonly fired = new Map<FaultKind, number>();
  /** From now on none strikes. */
  over = false;
  onStrike: (kind: FaultKind, where: string) => void = () => {};

  constructor(chance: Chance, leftOut: LeftOut) {
    this.#chance = chance;
    this.#leftOut = new Set(leftOut.kinds);
    this.#kept = leftOut.allFaultsBut && new Set(leftOut.allFaultsBut);
    const intensity = chance.pick('intensity', INTENSITIES) ?? 1;
    for (const kind of FAULT_KINDS) {
      if (chance.of(`holds ${kind}`) >= SHARE_OF_KINDS) continue;
      this.#rates.set(kind, Math.min(0.9, FAULT_RATES[kind] * intensity));
    }
  }

  /** Whether a fault of this kind strikes here. */
  strikes(kind: FaultKind, where: string): boolean {
    const rate = this.#rates.get(kind);
    if (rate === undefined || this.over) return false;
    return this.#chance.of(`${kind} ${where}`) < rate && this.#strike(kind, where);
  }

  /** The one of these kinds that strikes here, if any. */
  oneOf(kinds: readonly FaultKind[], where: string): FaultKind | undefined {
    if (this.over) return undefined;
    let dice = this.#chance.of(where);
    for (const kind of kinds) {
      dice -= this.#rates.get(kind) ?? 0;
      if (dice < 0) return this.#strike(kind, where) ? kind : undefined;
    }
    return undefined;
  }

  #strike(kind: FaultKind, where: string): boolean {
    const name = `${kind} @ ${where}`;
    if (this.#leftOut.has(kind) || this.#kept?.has(name) === false) return false;
    this.struck.push(name);
    this.fired.set(kind, (this.fired.get(kind) ?? 0) + 1);
    this.onStrike(kind, where);
    return true;
  }
}
