import type { ServerResponse } from 'node:http';
import type { AwsError } from './aws-error.ts';
import { sendRefusal } from './json-protocol.ts';
import { writeDocument, type XmlContent } from './xml.ts';

/** S3's own names for errors that the other services share. */
const S3_CODES: Readonly<Record<string, string>> = {
  AccessDeniedException: 'AccessDenied',
  MissingAuthenticationTokenException: 'AccessDenied',
  UnrecognizedClientException: 'InvalidAccessKeyId',
  InvalidSignatureException: 'SignatureDoesNotMatch',
  InternalFailure: 'InternalError',
};

/** Sends an error that occurred before the service was reached, in the format of that service. */
export function sendServiceRefusal(
  signingName: string | undefined,
  response: ServerResponse,
  error: AwsError,
): void {
  const { message: Message } = error;
  if (signingName === 's3') {
    sendXml(response, error, { Code: S3_CODES[error.code] ?? error.code, Message }, 'Error');
  } else if (signingName === 'cloudformation') {
    sendXml(response, error, { Error: { Type: 'Sender', Code: error.code, Message } }, 'ErrorResponse');
  } else {
    sendRefusal(response, error, 'application/x-amz-json-1.0');
  }
}

function sendXml(response: ServerResponse, { status }: AwsError, content: XmlContent, root: string): void {
  const body = Buffer.from(writeDocument(root, content));
  response.writeHead(status, { 'content-type': 'application/xml', 'content-length': body.length }).end(body);
}
