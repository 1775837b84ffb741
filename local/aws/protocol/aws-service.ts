import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Caller } from '../iam/caller.ts';

/** One AWS service on the shared endpoint, which routes by the service name in the credential scope. */
export interface AwsService {
  /**
   * As in the credential scope of a signed request: `s3`, `sqs`, `events`, `scheduler`, `secretsmanager`, `dynamodb`.
   */
  readonly signingName: string;
  /**
   * Handles one request and writes the response, including error responses. Throws only for defects, never for invalid
   * input.
   */
  handle(request: IncomingMessage, response: ServerResponse, caller: Caller): Promise<void>;
  /** Flushes pending writes and releases files and timers. */
  close(): Promise<void>;
}

/** The only account and region of the local runtime. */
export const LOCAL_ACCOUNT = '000000000000';
export const LOCAL_REGION = 'us-east-1';
