import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Caller } from '../iam/caller.ts';

/** One AWS service on the shared endpoint; the endpoint routes by the service name in the credential scope. */
export interface AwsService {
  /** As in the credential scope of a signed request: `s3`, `sqs`, `events`, `scheduler`, `secretsmanager`, `dynamodb`. */
  readonly signingName: string;
  /** Answers one request, errors and refusals included: it never throws for what a client sent. */
  handle(request: IncomingMessage, response: ServerResponse, caller: Caller): Promise<void>;
  /** Flushes and releases files and timers. */
  close(): Promise<void>;
}

/** The one account and region of a machine's runtime. */
export const LOCAL_ACCOUNT = '000000000000';
export const LOCAL_REGION = 'us-east-1';
