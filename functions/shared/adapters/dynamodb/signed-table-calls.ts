/*
 * The ledger's calls without the SDK's client, of the parts that the client is made of: AWS's own code signs, sends, and
 * repeats; what is written here is three operations of DynamoDB's JSON protocol. A function starts in four fifths of the time,
 * and a call takes half of the CPU time (docs/adr/0032-ledger-calls-of-the-sdks-parts.md).
 */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { loadJsonRpcErrorCode } from '@smithy/core/protocols';
import { retryMiddleware, StandardRetryStrategy } from '@smithy/core/retry';
import { HttpRequest, type HttpResponse } from '@smithy/core/transport';
import { NodeHttpHandler, type NodeHttpHandlerOptions } from '@smithy/node-http-handler';
import { SignatureV4 } from '@smithy/signature-v4';
import { RetryableError } from '../../domain/errors.ts';
import type { AwsCredentials } from '../aws/environment-credentials.ts';
import { Sha256 } from '../aws/sha256.ts';
import type { TableCalls } from './table-calls.ts';

const API = 'DynamoDB_20120810';

/** Where the calls go, how they are signed, and how long and how often they are tried. */
export interface SignedTableCallsOptions {
  readonly endpoint: URL;
  readonly region: string;
  readonly credentials: () => Promise<AwsCredentials>;
  readonly requestHandler: NodeHttpHandlerOptions;
  readonly maxAttempts: number;
}

/** A response of DynamoDB, of whichever operation. */
interface Answer {
  Item?: Record<string, AttributeValue>;
  Items?: Record<string, AttributeValue>[];
  LastEvaluatedKey?: Record<string, AttributeValue>;
  message?: string;
  Message?: string;
}

/** The SDK's `retryMiddleware` notes its tries in the metadata of an output, and reads the status from that of an error. */
type Output = Answer & { $metadata: { httpStatusCode: number } };

/** The ledger's calls for functions: signed with credentials that the environment has, sent over kept connections. */
export function createSignedTableCalls(options: SignedTableCallsOptions): TableCalls {
  const { endpoint, region, credentials, maxAttempts } = options;
  const signer = new SignatureV4({ service: 'dynamodb', region, credentials, sha256: Sha256 });
  const connections = new NodeHttpHandler(options.requestHandler);
  const strategy = new StandardRetryStrategy(maxAttempts);
  const repeated = retryMiddleware({
    retryStrategy: async () => strategy,
    maxAttempts: async () => maxAttempts,
  });
  const call = async (operation: string, input: object) => {
    const request = requestTo(endpoint, operation, input);
    const send = repeated<Output>(async () => {
      const signed = await signer.sign(request); // again for each try, which is numbered in a header
      const { response } = await connections.handle(HttpRequest.clone(signed));
      return { response, output: await outputOf(response) };
    }, {});
    const { output } = await send({ input, request });
    return output;
  };
  return {
    getItem: (input) => call('GetItem', input),
    putItem: (input) => call('PutItem', input),
    query: (input) => call('Query', input),
  };
}

function requestTo(endpoint: URL, operation: string, input: object): HttpRequest {
  const body = JSON.stringify(input);
  return new HttpRequest({
    protocol: endpoint.protocol,
    hostname: endpoint.hostname,
    ...(endpoint.port === '' ? {} : { port: Number(endpoint.port) }),
    path: endpoint.pathname.replace(/\/?$/, '/'),
    method: 'POST',
    headers: {
      host: endpoint.host,
      'content-type': 'application/x-amz-json-1.0',
      'content-length': String(Buffer.byteLength(body)),
      'x-amz-target': `${API}.${operation}`,
    },
    body,
  });
}

/** Returns what DynamoDB answered. Errors: its own, by name; a RetryableError if it was not DynamoDB that answered. */
async function outputOf(response: HttpResponse): Promise<Output> {
  const { statusCode } = response;
  const $metadata = { httpStatusCode: statusCode };
  const answer = answerIn(await textOf(response.body));
  if (statusCode >= 200 && statusCode < 300) {
    if (answer) return { ...answer, $metadata };
    throw new RetryableError(`DynamoDB's response (HTTP ${statusCode}) is not a JSON object`, {
      waitsFor: 'unreachable',
    });
  }
  const name = loadJsonRpcErrorCode(response, answer) ?? 'Unknown';
  const message = answer?.message ?? answer?.Message ?? 'UnknownError';
  throw Object.assign(new Error(message), { name, $metadata });
}

function answerIn(text: string): Answer | undefined {
  try {
    const parsed = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

async function textOf(body: AsyncIterable<Buffer>): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of body) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}
