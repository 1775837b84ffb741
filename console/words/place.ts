import type { Session } from '../api.ts';

/** Returns `this machine`, or `stack Batchdrop, account 123456789012, eu-west-1`. */
export function placeText({ place, stack, account, region }: Session): string {
  if (place === 'local') return 'this machine';
  return [`stack ${stack}`, account && `account ${account}`, region].filter(Boolean).join(', ');
}
