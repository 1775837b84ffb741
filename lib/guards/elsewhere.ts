import { Stack, Token, TokenComparison } from 'aws-cdk-lib';
import type { Construct, IConstruct } from 'constructs';
import type { BatchdropProps } from '../batchdrop-props.ts';

type Where = 'account' | 'region';

/** A resource of the user's: `where` it must be as the stack is. */
interface Own {
  readonly prop: string;
  readonly kind: string;
  readonly resource: (IConstruct & { readonly env: Readonly<Record<Where, string>> }) | undefined;
  readonly name?: string | undefined;
  readonly where: readonly Where[];
}

/** Yields which resources of the user's are in another account or region than the stack, where they cannot be used. */
export function* elsewhereProblems(scope: Construct, props: BatchdropProps): Generator<string> {
  const stack = Stack.of(scope);
  for (const { prop, kind, resource, name, where } of ownResources(props)) {
    for (const what of resource ? where : []) {
      const [actual, expected] = [resource?.env[what] ?? '', stack[what]];
      if (Token.compareStrings(actual, expected) !== TokenComparison.DIFFERENT) continue;
      const called = name === undefined || Token.isUnresolved(name) ? '' : ` ${name}`;
      yield `${prop}${called} is in ${what} ${actual}, but the stack is in ${expected}; use a ${kind} in the ${what} of the stack.`;
    }
  }
}

function ownResources(props: BatchdropProps): Own[] {
  const { requestBucket, resultsBucket, vpc, logGroup, eventBus, encryptionKey, apiKeySecret } = props;
  const bucket = { kind: 'bucket', where: ['account', 'region'] } as const;
  const secret = { kind: 'secret', where: ['region'] } as const;
  return [
    // S3 sends a bucket's events only to the default bus of the bucket's own account and region.
    { prop: 'requestBucket', resource: requestBucket, name: requestBucket?.bucketName, ...bucket },
    { prop: 'resultsBucket', resource: resultsBucket, name: resultsBucket?.bucketName, ...bucket },
    { prop: 'vpc', kind: 'VPC', resource: vpc, where: ['account', 'region'] },
    { prop: 'logGroup', kind: 'log group', resource: logGroup, where: ['account', 'region'] },
    { prop: 'eventBus', kind: 'bus', resource: eventBus, where: ['region'] },
    { prop: 'encryptionKey', kind: 'key', resource: encryptionKey, where: ['region'] },
    { prop: 'apiKeySecret', resource: apiKeySecret, ...secret },
    { prop: 'webhook.secret', resource: props.webhook?.secret, ...secret },
  ];
}
