/** How a program points the AWS SDK at the local endpoint: any credentials but a function's are the account owner's. */
export function clientConfig(endpoint: string) {
  const credentials = { accessKeyId: 'anybody', secretAccessKey: 'anything' };
  return { endpoint, region: 'us-east-1', credentials };
}
