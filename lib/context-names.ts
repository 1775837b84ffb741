/** Props that have a different name in the context. */
export const NAME_OF_PROP: Readonly<Record<string, string>> = {
  requestBucket: 'requestBucketName',
  resultsBucket: 'resultsBucketName',
  apiKeySecret: 'apiKeySecretName',
  shares: 'sharesBy',
  pollInterval: 'pollMinutes',
  observeInterval: 'observeMinutes',
  expireFilesAfter: 'expireFilesAfterDays',
  approvalExpiresAfter: 'approvalExpiresAfterDays',
  removalPolicy: 'removal',
};
