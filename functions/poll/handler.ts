import { apiUntil } from '../shared/lifecycle/api-until.ts';
import type { Deadline } from '../shared/ports/ports.ts';
import { type ReconcileDeps, reconcile } from './reconcile.ts';
import type { TickCause } from './tick-lease.ts';

/**
 * Runs a tick for the given cause. Errors: an Error after all items were handled, if one had a defect, so that the
 * invocation fails.
 */
export function createHandler(deps: ReconcileDeps): (deadline: Deadline, cause?: TickCause) => Promise<void> {
  return async (deadline, cause) => {
    const tick = await reconcile({ ...deps, api: apiUntil(deps.api, deadline.signal) }, deadline, cause);
    if (!tick) return;
    deps.log.info('tick', { ...tick });
    if (tick.broken > 0) throw new Error(`poll: ${tick.broken} of ${tick.served} items could not be served`);
  };
}
