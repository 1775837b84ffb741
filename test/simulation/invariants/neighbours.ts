import type { World } from '../world/world.ts';
import type { Finding } from './finding.ts';

/** Rule 5: an item whose call hangs is set aside, and the others are handled in the same tick. */
export function nobodyWaitsForAnother({ hangs }: World): Finding {
  return { promise: "nobody waits for another's hang", examined: hangs.examined, broken: hangs.waited };
}

/** Rule 3: a full storage stops uploads, but no create. */
export function storageStopsUploadsOnly({ written }: World): Finding {
  const broken = written.stoppedByStorage.map(
    (name) => `part ${name} waits for storage, and has uploaded its file`,
  );
  return { promise: 'a full storage stops uploads only', examined: written.storageWaits, broken };
}

/**
 * Rule 3: there is one breaker per reason and call. It opens when that call was refused to three items for that reason.
 */
export function breakersOpenForTheirReason({ written, log }: World): Finding {
  const refused = new Set(
    log.lines
      .filter(({ code }) => code === 'call_refused')
      .map(({ facts: { jobId, part, operation, reason } }) => [jobId, part, operation, reason].join()),
  );
  const broken = written.openBreakers.flatMap(({ for: reason, operation, items }) =>
    items
      .map((name) => name.split('/'))
      .filter(([jobId, , part]) => !refused.has([jobId, part, operation, reason].join()))
      .map(
        (name) => `a breaker for ${reason} is open, and counts ${name.join('/')} as a refused ${operation}`,
      ),
  );
  const promise = 'a breaker opens for its own reason';
  return { promise, examined: written.openBreakers.length, broken: [...new Set(broken)] };
}
