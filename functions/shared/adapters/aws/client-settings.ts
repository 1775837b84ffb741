/** For every AWS client: a call that hangs fails long before the function's time-out, and the SDK retries it. */
export const AWS_CLIENT_SETTINGS = {
  requestHandler: { connectionTimeout: 5_000, socketTimeout: 30_000 },
} as const;
