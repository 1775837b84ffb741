import type { World } from '../world/world.ts';
import type { Finding } from './finding.ts';

/** A webhook is acknowledged once the ledger has what it told; a forged one never is. */
export function webhooksAnsweredRightly({ webhooks }: World): Finding {
  const { answersChecked, forgedChecked, wronglyAnswered } = webhooks;
  return {
    promise: 'webhooks are answered rightly',
    examined: answersChecked + forgedChecked,
    broken: wronglyAnswered,
  };
}
