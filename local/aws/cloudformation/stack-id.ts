import { createHash } from 'node:crypto';
import { LOCAL_ACCOUNT, LOCAL_REGION } from '../protocol/aws-service.ts';

/** Returns a stack id. Like AWS's, it ends in a UUID; this one is derived from the name. `nth`: how many had it before. */
export function stackId(name: string, nth = 0): string {
  const hex = createHash('sha256')
    .update(nth === 0 ? name : `${name} ${nth}`)
    .digest('hex');
  const uuid = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)];
  return `arn:aws:cloudformation:${LOCAL_REGION}:${LOCAL_ACCOUNT}:stack/${name}/${uuid.join('-')}`;
}
