import { type Obstacle, RetryableError } from '../../../functions/shared/domain/errors.ts';
import type { FaultBook } from '../faults/fault-book.ts';
import type { FaultKind } from '../faults/fault-kinds.ts';
import type { Chance } from './chance.ts';
import { MINUTE } from './invocation.ts';
import type { Timeline } from './timeline.ts';

const FIRST_HOUR_MS = 60 * MINUTE;

/** A period in which these operations are refused, whatever their subject. */
interface Trouble {
  kind: FaultKind;
  waitsFor: Obstacle;
  longestMs: number;
  /** Undefined: every call of the API. */
  operations?: readonly string[];
  says: string;
}

const TROUBLES: readonly Trouble[] = [
  {
    kind: 'account cannot pay',
    waitsFor: 'account',
    longestMs: 8 * 60 * MINUTE,
    operations: ['upload', 'create'],
    says: 'HTTP 400 billing_hard_limit_reached',
  },
  {
    kind: 'storage full',
    waitsFor: 'storage',
    longestMs: 8 * 60 * MINUTE,
    operations: ['upload'],
    says: 'HTTP 400: the storage limit is reached',
  },
  {
    kind: 'API unreachable for hours',
    waitsFor: 'unreachable',
    longestMs: 8 * 60 * MINUTE,
    says: 'connection failed',
  },
];

/** What makes calls fail for hours although nothing is wrong with the input. */
export class Troubles {
  readonly #timeline: Timeline;
  readonly #stretches: { trouble: Trouble; from: number; until: number }[] = [];
  #repaired = false;

  constructor(timeline: Timeline, chance: Chance, faults: FaultBook) {
    this.#timeline = timeline;
    for (const trouble of TROUBLES) {
      const { kind, longestMs } = trouble;
      if (!faults.occurs(kind, 'the account')) continue;
      const from = timeline.now() + chance.between(`from ${kind}`, 0, FIRST_HOUR_MS);
      this.#stretches.push({
        trouble,
        from,
        until: from + chance.between(`until ${kind}`, MINUTE, longestMs),
      });
    }
  }

  /** Throws the error of the adapter if this operation is refused now. */
  check(operation: string): void {
    const now = this.#timeline.now();
    for (const { trouble, from, until } of this.#repaired ? [] : this.#stretches) {
      if (now < from || now >= until || trouble.operations?.includes(operation) === false) continue;
      const { waitsFor, says } = trouble;
      throw new RetryableError(`${operation}: ${says}`, { waitsFor, said: says });
    }
  }

  /** Ends all troubles for good. */
  repair(): void {
    this.#repaired = true;
  }
}
