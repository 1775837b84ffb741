import { RetryableError } from '../domain/errors.ts';
import type { Breaker } from '../domain/waiting/breaker.ts';
import { without } from '../domain/without.ts';
import type { Ports } from '../ports/ports.ts';

const MAX_CONFLICTS = 10;

/**
 * Changes the breakers in the ledger and returns them. If `decide` returns its argument, nothing is written. `decide`
 * must be a pure function, because it runs again after a conflict. Errors: RetryableError.
 */
export async function changeBreakers(
  { ledger }: Pick<Ports, 'ledger'>,
  decide: (breakers: readonly Breaker[]) => readonly Breaker[],
): Promise<readonly Breaker[]> {
  for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts += 1) {
    const control = await ledger.readControl();
    const { breakers = [] } = control;
    const next = decide(breakers);
    if (JSON.stringify(next) === JSON.stringify(breakers)) return next;
    const changed = next.length === 0 ? without(control, 'breakers') : { ...control, breakers: [...next] };
    if (await ledger.replaceControl(changed)) return next;
  }
  throw new RetryableError(`change the breakers: ${MAX_CONFLICTS} conflicts in a row`);
}
