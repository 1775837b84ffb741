import type { BatchBehavior } from '../../fakes/simulated-batch.ts';
import type { Chance } from '../world/chance.ts';
import type { FaultBook } from './fault-book.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const PASSING = [0, 408, 409, 429, 500, 503];
const MAX_TOKEN_LIMIT_REJECTIONS = 4; // then the API has capacity

/** Returns how the nth batch behaves. A batch that runs takes at least `leastMs`. */
export function behaviorOf(nth: number, chance: Chance, faults: FaultBook, leastMs = 0): BatchBehavior {
  const name = `batch ${nth}`;
  if (nth <= MAX_TOKEN_LIMIT_REJECTIONS && faults.occurs('token limit', name)) {
    const message = 'Enqueued token limit reached. Please try again later.';
    return { failure: [{ code: 'token_limit_exceeded', message, param: null, line: null }] };
  }
  if (faults.occurs('validation fails', name))
    return { failure: [{ code: 'model_not_found', message: 'No such model.', param: null, line: 1 }] };
  const behavior: BatchBehavior = {
    validatingMs: chance.between(`validates ${name}`, 1000, MINUTE),
    runningMs: leastMs + chance.between(`runs ${name}`, 0, 10 * MINUTE),
  };
  if (faults.occurs('cancel leaves partial results', name)) behavior.runningMs = 40 * MINUTE;
  if (faults.occurs('batch expires with partial results', name)) behavior.runningMs = 30 * HOUR;
  if (faults.occurs('unknown status', name))
    behavior.runningAs = chance.pick(name, ['pondering', 'paused']) ?? '';
  if (faults.occurs('stuck finalizing', name)) behavior.finalizingMs = 5 * HOUR;
  if (faults.occurs('cancel loses the race', name)) {
    behavior.runningMs = leastMs + 1000;
    behavior.finalizingMs = 15 * MINUTE;
  }
  const vanish = faults.occurs('rows fail or vanish', name);
  const pass = faults.occurs('rows fail for a passing reason', name);
  if (vanish || pass) {
    behavior.row = (customId) => {
      const dice = chance.of(`${name} ${customId}`);
      if (vanish && dice < 0.45) return dice < 0.3 ? 'failed' : 'missing';
      if (pass && dice > 0.6)
        return { statusCode: chance.pick(`status of ${name} ${customId}`, PASSING) ?? 0 };
      return 'succeeded';
    };
  }
  return behavior;
}
