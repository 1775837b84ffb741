import { nameOf, type WaitingPart } from '../../shared/domain/waiting/admission-queue.ts';
import { afterProbe, type Breaker, ofAccount, probeOf } from '../../shared/domain/waiting/breaker.ts';
import { changeBreakers } from '../../shared/lifecycle/change-breakers.ts';
import type { Ports } from '../../shared/ports/ports.ts';

/**
 * Reports the open breakers, so that their alarm stays on, and closes those of another account than the current key's.
 * Returns the remaining ones. It calls the API only while a breaker is open. Errors: RetryableError.
 */
export async function checkedBreakers(
  { ledger, log, metrics, api }: Pick<Ports, 'ledger' | 'log' | 'metrics' | 'api'>,
  breakers: readonly Breaker[],
): Promise<readonly Breaker[]> {
  const open = breakers.filter((one) => one.open);
  if (open.length === 0) return breakers;
  for (const { for: reason, operation, account, since, said } of open) {
    metrics.record('AccountRefused', 1);
    log.error('account_refused', { reason, operation, account, since, said });
  }
  const account = await api.listBatches({ limit: 1 }).then(
    (page) => page.account,
    () => undefined, // the account is not known
  );
  if (account === undefined || ofAccount(breakers, account).length === breakers.length) return breakers;
  return changeBreakers({ ledger }, (all) => ofAccount(all, account));
}

/**
 * Chooses a part as the probe for each open breaker that is due, and records it. Returns the names of the chosen parts.
 * Errors: RetryableError.
 */
export async function letProbesPass(
  { ledger, clock }: Pick<Ports, 'ledger' | 'clock'>,
  breakers: readonly Breaker[],
  queue: readonly WaitingPart[],
): Promise<Set<string>> {
  const now = clock.now();
  const probes = new Map<string, WaitingPart>();
  for (const breaker of breakers) {
    const part = probeOf(breaker, queue, nameOf, now);
    if (part) probes.set(keyOf(breaker), part);
  }
  if (probes.size === 0) return new Set();
  await changeBreakers({ ledger }, (all) =>
    all.map((one) => {
      const part = probes.get(keyOf(one));
      return part ? afterProbe(one, { item: nameOf(part), model: part.model }, now) : one;
    }),
  );
  return new Set([...probes.values()].map(nameOf));
}

function keyOf({ account, for: reason, operation }: Breaker): string {
  return `${reason} ${operation} ${account}`;
}
