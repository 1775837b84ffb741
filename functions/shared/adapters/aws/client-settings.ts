/** For every AWS client: a call that hangs fails, and is retried by the SDK, long before the function's time-out. */
export const AWS_CLIENT_SETTINGS = {
  requestHandler: { connectionTimeout: 5_000, socketTimeout: 30_000 },
} as const;
