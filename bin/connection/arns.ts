import { accountIn, type StackNames } from './stack-names.ts';

const LOCAL_REGION = 'us-east-1';

type Named = Pick<StackNames, 'cancelQueueUrl'>;

/** Returns what makes ARNs in the account and Region of a Batchdrop. */
export function arnsIn(names: Named) {
  const { partition, region, account } = placeOf(names);
  const arn = (service: string, resource: string) =>
    `arn:${partition}:${service}:${region}:${account}:${resource}`;
  return {
    arn,
    bucket: (name: string) => `arn:${partition}:s3:::${name}`,
    queue: (url: string) => arn('sqs', url.slice(url.lastIndexOf('/') + 1)),
  };
}

/** Reads the place from the URL of a queue: `https://sqs.eu-west-1.amazonaws.com/123456789012/name`. */
function placeOf(names: Named) {
  const { hostname } = new URL(names.cancelQueueUrl);
  const region = /^sqs\.([\w-]+)\.amazonaws\.com/.exec(hostname)?.[1] ?? LOCAL_REGION;
  const partition = region.startsWith('cn-') ? 'aws-cn' : region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
  return { partition, region, account: accountIn(names) };
}
