import { DISK_FULL, isDiskFull } from '../../local/disk-full.ts';
import { escapeControlCharacters } from './escape-control-characters.ts';

/**
 * Ends a command with exit code 1. The message is for the user: what failed, and what to do. `lines` are printed below
 * it. Both may contain text from others, which `failureLines` escapes.
 */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly lines: readonly string[];

  constructor(
    message: string,
    options: { readonly cause?: unknown; readonly lines?: readonly string[] } = {},
  ) {
    super(message, { cause: options.cause });
    this.lines = options.lines ?? [];
  }
}

/** Errors that the user can fix. */
const KNOWN_ERRORS: readonly { is: (error: Error) => boolean; say: (error: Error) => string }[] = [
  { is: isDiskFull, say: () => DISK_FULL },
  {
    is: (error) => 'code' in error && error.code === 'ECONNREFUSED',
    say: ({ message }) =>
      `No Batchdrop is running at the endpoint (${message || 'ECONNREFUSED'}). Start one with npm start, or select another with --endpoint or --data.`,
  },
  {
    is: ({ message }) => message.startsWith('Region is missing'),
    say: () => 'The AWS Region is missing. Set it with --region or AWS_REGION.',
  },
  {
    is: ({ name }) => name === 'CredentialsProviderError' || name === 'TokenProviderError',
    say: ({ message }) =>
      `There are no AWS credentials (${message}). Sign in, or select a profile with --profile.`,
  },
  {
    is: ({ message }) => message.startsWith('This endpoint answers only calls'), // the local one
    say: ({ message }) => message,
  },
  {
    is: ({ name }) => /^(ExpiredToken|UnrecognizedClient|InvalidClientTokenId|InvalidAccessKeyId)/.test(name),
    say: ({ message }) =>
      `AWS rejects these credentials (${message}). Sign in again, or select another profile with --profile.`,
  },
  {
    is: ({ name }) => /^AccessDenied|^UnauthorizedOperation$/.test(name),
    say: ({ message }) => `You lack an AWS permission: ${message}`,
  },
];

/** Returns the lines that explain an error to the user. They are safe to print. */
export function failureLines(error: unknown): string[] {
  const below = error instanceof Failure ? error.lines : [];
  return [sentenceOf(error), ...below].map(escapeControlCharacters);
}

/** Returns what the user needs to know about an error, without its stack. */
export function sentenceOf(error: unknown): string {
  const inside = errorsIn(error);
  for (const { is, say } of KNOWN_ERRORS) {
    const found = inside.find(is);
    if (found !== undefined) return say(found);
  }
  return error instanceof Error ? error.message : String(error);
}

/** Returns the error and the errors in it. SDK errors contain the socket's error as their cause or in a list. */
function errorsIn(error: unknown): Error[] {
  if (!(error instanceof Error)) return [];
  const listed = error instanceof AggregateError ? error.errors : [];
  return [error, ...[error.cause, ...listed].flatMap(errorsIn)];
}
