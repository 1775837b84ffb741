/**
 * Returns the configuration with which a program uses the local endpoint. All credentials except a function's belong to
 * the account owner.
 */
export function clientConfig(endpoint: string) {
  const credentials = { accessKeyId: 'anybody', secretAccessKey: 'anything' };
  return { endpoint, region: 'us-east-1', credentials };
}
