/** Ends a command with exit code 1 and this sentence, which says what to do next. */
export class Failure extends Error {
  override readonly name = 'Failure';
}

/** Errors of the SDK by what a person has to do about them. */
const WAYS_OUT: readonly { is: (error: Error) => boolean; say: (error: Error) => string }[] = [
  {
    is: (error) => 'code' in error && error.code === 'ECONNREFUSED',
    say: ({ message }) =>
      `Nothing answers at the endpoint (${message || 'ECONNREFUSED'}): start the runtime with npm start, or name another with --endpoint or --data.`,
  },
  {
    is: ({ message }) => message.startsWith('Region is missing'),
    say: () => 'The AWS region is not known: name it with --region, or set AWS_REGION.',
  },
  {
    is: ({ name }) => name === 'CredentialsProviderError' || name === 'TokenProviderError',
    say: ({ message }) =>
      `There are no AWS credentials: sign in, or name a profile with --profile (${message}).`,
  },
  {
    is: ({ name }) => /^(ExpiredToken|UnrecognizedClient|InvalidClientTokenId|InvalidAccessKeyId)/.test(name),
    say: ({ message }) =>
      `AWS does not take these credentials: sign in anew, or name another profile with --profile (${message}).`,
  },
  {
    is: ({ name }) => /^AccessDenied|^UnauthorizedOperation$/.test(name),
    say: ({ message }) => `AWS does not allow it: ${message}`,
  },
];

/** What a person needs to read of any error: one line, no stack. */
export function sentenceOf(error: unknown): string {
  const inside = errorsIn(error);
  for (const { is, say } of WAYS_OUT) {
    const found = inside.find(is);
    if (found !== undefined) return say(found);
  }
  return error instanceof Error ? error.message : String(error);
}

/** The error and what it carries: SDK errors have the socket's error as a cause or in a list. */
function errorsIn(error: unknown): Error[] {
  if (!(error instanceof Error)) return [];
  const listed = error instanceof AggregateError ? error.errors : [];
  return [error, ...[error.cause, ...listed].flatMap(errorsIn)];
}
