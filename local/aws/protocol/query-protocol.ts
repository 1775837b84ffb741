import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Caller } from '../iam/caller.ts';
import { AwsError } from './aws-error.ts';
import { notImplemented, readBody } from './json-protocol.ts';
import { writeDocument, type XmlContent } from './xml.ts';

/** An operation: the fields of its form to the elements of its result. */
export type QueryOperation = (form: URLSearchParams) => { readonly [element: string]: XmlContent };

/** One service that speaks the AWS query protocol: forms in, XML out. */
export interface QueryProtocol {
  readonly signingName: string;
  readonly namespace: string;
  readonly operations: Readonly<Record<string, QueryOperation>>;
  /** Returns the ARN that a call acts on, or `*`. */
  readonly resourceOf: (form: URLSearchParams) => string;
}

/** Handles one request. A client's mistake becomes an error response; only defects are thrown. */
export async function serveQuery(
  { signingName, namespace, operations, resourceOf }: QueryProtocol,
  request: IncomingMessage,
  response: ServerResponse,
  caller: Caller,
): Promise<void> {
  const requestId = randomUUID();
  try {
    const form = new URLSearchParams((await readBody(request)).toString('utf8'));
    const action = form.get('Action') ?? '';
    const operation = Object.hasOwn(operations, action) ? operations[action] : undefined;
    if (operation === undefined) throw notImplemented(action === '' ? 'A request without Action' : action);
    caller.demand({ action: `${signingName}:${action}`, resource: resourceOf(form) });
    const answer = { [`${action}Result`]: operation(form), ResponseMetadata: { RequestId: requestId } };
    send(response, 200, writeDocument(`${action}Response`, answer, namespace));
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    const { queryCode, code, message: Message } = error;
    const answer = { Error: { Type: 'Sender', Code: queryCode ?? code, Message }, RequestId: requestId };
    send(response, error.status, writeDocument('ErrorResponse', answer, namespace));
  }
}

/** Returns a list as an element of a result. */
export function queryList(member: readonly XmlContent[]): XmlContent {
  return { member };
}

/** Returns the texts of a list in a form: `Name.member.1`, `Name.member.2`. */
export function textsIn(form: URLSearchParams, name: string): string[] {
  return [...form].filter(([field]) => field.startsWith(`${name}.member.`)).map(([, text]) => text);
}

function send(response: ServerResponse, status: number, document: string): void {
  const body = Buffer.from(document);
  response.writeHead(status, { 'content-type': 'text/xml', 'content-length': body.length });
  response.end(body);
}
