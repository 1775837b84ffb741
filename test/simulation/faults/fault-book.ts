import type { Chance } from '../world/chance.ts';
import { FAULT_KINDS, FAULT_RATES, type FaultKind } from './fault-kinds.ts';

const SHARE_OF_KINDS = 0.6; // histories differ in the kinds they contain, because some faults hide what others would show
const INTENSITIES = [0.3, 1, 1, 2];

/** What is left out of a history, to shrink it or to see what a fault changes. */
export interface LeftOut {
  kinds?: readonly FaultKind[];
  /** All faults but these, by the names in `FaultBook.occurred`. */
  allFaultsBut?: readonly string[];
  /** Actions of users, by number. */
  actions?: readonly number[];
}

/** Decides where faults occur, and records those that did. */
export class FaultBook {
  readonly #chance: Chance;
  readonly #rates = new Map<FaultKind, number>();
  readonly #leftOut: ReadonlySet<FaultKind>;
  readonly #kept: ReadonlySet<string> | undefined;
  /** Names of the faults that occurred, in order. */
  readonly occurred: string[] = [];
  readonly fired = new Map<FaultKind, number>();
  /** If set, no more faults occur. */
  over = false;
  onFault: (kind: FaultKind, where: string) => void = () => {};

  /** `rates`: the kinds that may occur, and how often. */
  constructor(
    chance: Chance,
    leftOut: LeftOut,
    rates: Readonly<Partial<Record<FaultKind, number>>> = FAULT_RATES,
  ) {
    this.#chance = chance;
    this.#leftOut = new Set(leftOut.kinds);
    this.#kept = leftOut.allFaultsBut && new Set(leftOut.allFaultsBut);
    const intensity = chance.pick('intensity', INTENSITIES) ?? 1;
    for (const kind of FAULT_KINDS) {
      const { [kind]: rate } = rates;
      if (rate === undefined || chance.of(`holds ${kind}`) >= SHARE_OF_KINDS) continue;
      this.#rates.set(kind, Math.min(0.9, rate * intensity));
    }
  }

  /** Returns true if a fault of this kind occurs here. */
  occurs(kind: FaultKind, where: string): boolean {
    const rate = this.#rates.get(kind);
    if (rate === undefined || this.over) return false;
    return this.#chance.of(`${kind} ${where}`) < rate && this.#record(kind, where);
  }

  /** Returns the one of these kinds that occurs here, if any. */
  oneOf(kinds: readonly FaultKind[], where: string): FaultKind | undefined {
    if (this.over) return undefined;
    let dice = this.#chance.of(where);
    for (const kind of kinds) {
      dice -= this.#rates.get(kind) ?? 0;
      if (dice < 0) return this.#record(kind, where) ? kind : undefined;
    }
    return undefined;
  }

  #record(kind: FaultKind, where: string): boolean {
    const name = `${kind} @ ${where}`;
    if (this.#leftOut.has(kind) || this.#kept?.has(name) === false) return false;
    this.occurred.push(name);
    this.fired.set(kind, (this.fired.get(kind) ?? 0) + 1);
    this.onFault(kind, where);
    return true;
  }
}
