import type { Construct } from 'constructs';
import type { BatchdropProps } from '../batchdrop-props.ts';
import type { Buckets } from '../resources/buckets.ts';
import { overlapProblems } from './bucket-overlaps.ts';
import { requestBucketProblems } from './bucket-settings.ts';
import { warnOfIsolation } from './network.ts';
import { ownResourceProblems } from './own-resources.ts';
import { plainSecretProblems } from './secret-names.ts';

/** Checks what is known only once the whole app is made. The CDK reports the problems of all constructs together. */
export function checkAtSynth(batchdrop: Construct, props: BatchdropProps, buckets: Buckets): void {
  warnOfIsolation(batchdrop, props);
  batchdrop.node.addValidation({
    validate: () => [
      ...requestBucketProblems(batchdrop, buckets.requests),
      ...overlapProblems(buckets),
      ...plainSecretProblems(props),
      ...ownResourceProblems(props),
    ],
  });
}
