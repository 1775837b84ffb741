/** The environment variables that say where DynamoDB is, as the SDK reads them. */
export interface EndpointEnvironment {
  AWS_REGION?: string | undefined;
  AWS_ENDPOINT_URL_DYNAMODB?: string | undefined;
  AWS_ENDPOINT_URL?: string | undefined;
  AWS_USE_FIPS_ENDPOINT?: string | undefined;
  AWS_USE_DUALSTACK_ENDPOINT?: string | undefined;
}

/** The domains of a partition of AWS: for IPv4, and for IPv4 and IPv6. */
interface Domains {
  readonly regions: RegExp;
  readonly ipv4: string;
  readonly dualStack: string;
}

const AWS: Domains = { regions: /^/, ipv4: 'amazonaws.com', dualStack: 'api.aws' };

/** Source: the SDK's list of partitions, with which `test/contracts/ledger/dynamodb-endpoint.test.ts` compares. */
const OTHERS: readonly Domains[] = [
  { regions: /^cn-/, ipv4: 'amazonaws.com.cn', dualStack: 'api.amazonwebservices.com.cn' },
  { regions: /^eusc-/, ipv4: 'amazonaws.eu', dualStack: 'api.amazonwebservices.eu' },
  { regions: /^us-iso-/, ipv4: 'c2s.ic.gov', dualStack: 'api.aws.ic.gov' },
  { regions: /^us-isob-/, ipv4: 'sc2s.sgov.gov', dualStack: 'api.aws.scloud' },
  { regions: /^eu-isoe-/, ipv4: 'cloud.adc-e.uk', dualStack: 'api.cloud-aws.adc-e.uk' },
  { regions: /^us-isof-/, ipv4: 'csp.hci.ic.gov', dualStack: 'api.aws.hci.ic.gov' },
];
const US_GOV = /^us-gov-/;

/** Returns the URL of DynamoDB: the one that is set, or that of the region. Errors: an Error without a region. */
export function dynamoDbEndpoint(environment: EndpointEnvironment): URL {
  const given = environment.AWS_ENDPOINT_URL_DYNAMODB || environment.AWS_ENDPOINT_URL;
  if (given) return new URL(given);
  const region = regionOf(environment);
  const domains = OTHERS.find(({ regions }) => regions.test(region)) ?? AWS;
  const isDualStack = environment.AWS_USE_DUALSTACK_ENDPOINT === 'true';
  const isFips = environment.AWS_USE_FIPS_ENDPOINT === 'true';
  // In GovCloud, the usual IPv4 endpoint is the FIPS one.
  const service = isFips && (isDualStack || !US_GOV.test(region)) ? 'dynamodb-fips' : 'dynamodb';
  return new URL(`https://${service}.${region}.${isDualStack ? domains.dualStack : domains.ipv4}`);
}

/** Returns the region. Errors: an Error if there is none. */
export function regionOf({ AWS_REGION: region }: EndpointEnvironment): string {
  if (!region) throw new Error('the environment lacks AWS_REGION');
  return region;
}
