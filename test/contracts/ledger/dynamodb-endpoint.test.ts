import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { describe, expect, it } from 'vitest';
import { dynamoDbEndpoint } from '../../../functions/shared/adapters/dynamodb/dynamodb-endpoint.ts';

/** Regions of every partition that the SDK knows, and one that nobody knows. */
const REGIONS = [
  'us-east-1',
  'eu-central-1',
  'ap-southeast-7',
  'mx-central-1',
  'cn-north-1',
  'cn-northwest-1',
  'us-gov-west-1',
  'us-gov-east-1',
  'eusc-de-east-1',
  'us-iso-east-1',
  'us-iso-west-1',
  'us-isob-east-1',
  'us-isob-west-1',
  'eu-isoe-west-1',
  'us-isof-south-1',
  'us-isof-east-1',
  'xx-new-1',
];
const IS_SET = [undefined, 'true', 'false'];

const client = new DynamoDBClient({ region: 'us-east-1' });

/** Returns the URL that the SDK's client would use. */
function urlOfTheSdk(Region: string, fips: string | undefined, dualStack: string | undefined): string {
  const flags = { UseFIPS: fips === 'true', UseDualStack: dualStack === 'true' };
  return client.config.endpointProvider({ Region, ...flags }, {}).url.href;
}

describe('the endpoint of DynamoDB', () => {
  it.each(REGIONS)('in %s is that of the SDK, also for FIPS and IPv6', (region) => {
    for (const fips of IS_SET)
      for (const dualStack of IS_SET) {
        const environment = {
          AWS_REGION: region,
          AWS_USE_FIPS_ENDPOINT: fips,
          AWS_USE_DUALSTACK_ENDPOINT: dualStack,
        };
        expect(dynamoDbEndpoint(environment).href).toBe(urlOfTheSdk(region, fips, dualStack));
      }
  });

  it('is the one that is set for DynamoDB, or for all services', () => {
    const region = { AWS_REGION: 'us-east-1' };
    const all = { ...region, AWS_ENDPOINT_URL: 'http://127.0.0.1:4566/aws' };
    expect(dynamoDbEndpoint(all).href).toBe('http://127.0.0.1:4566/aws');
    const own = { ...all, AWS_ENDPOINT_URL_DYNAMODB: 'http://127.0.0.1:8000' };
    expect(dynamoDbEndpoint(own).href).toBe('http://127.0.0.1:8000/');
    expect(dynamoDbEndpoint({ ...region, AWS_ENDPOINT_URL: '' }).host).toBe(
      'dynamodb.us-east-1.amazonaws.com',
    );
  });

  it('is unknown without a region', () => {
    expect(() => dynamoDbEndpoint({ AWS_REGION: '' })).toThrow('the environment lacks AWS_REGION');
  });
});
