import type { World } from '../world/world.ts';
import type { Finding } from './finding.ts';

/** A webhook is acknowledged once the ledger has the end that it reports. A forged one is never acknowledged. */
export function webhooksAnsweredRightly({ webhooks }: World): Finding {
  const { answersChecked, forgedChecked, wronglyAnswered } = webhooks;
  return {
    promise: 'webhooks are answered rightly',
    examined: answersChecked + forgedChecked,
    broken: wronglyAnswered,
  };
}
