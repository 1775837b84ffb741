import type { Turn } from '../shared/ports/ports.ts';
import { type ReconcileDeps, reconcile } from './reconcile.ts';

/** One tick. Throws once every item was served, if one had a defect: the invocation ends red. */
export function createHandler(deps: ReconcileDeps): (turn: Turn) => Promise<void> {
  return async (turn) => {
    const tick = await reconcile(deps, turn);
    if (!tick) {
      deps.log.info('tick_left_to_another');
      return;
    }
    deps.log.info('tick', { ...tick });
    if (tick.broken > 0) throw new Error(`poll: ${tick.broken} of ${tick.looked} items could not be served`);
  };
}
