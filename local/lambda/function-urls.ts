/**
 * The public URLs of functions, on the endpoint: `http://127.0.0.1:4566/lambda_url/<function>/`. In the cloud, anybody
 * may call such a URL. Here, too, its calls need no signature, and the function itself must refuse forged ones. The
 * guard against browsers still applies first, see browser-guard.ts.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Caller } from '../aws/iam/caller.ts';
import { AwsError } from '../aws/protocol/aws-error.ts';
import { Turns } from '../turns.ts';
import { type UrlAnswer, urlAnswer, urlEvent } from './function-url-event.ts';

/** The first folder of all URLs. Bucket names cannot contain an underscore. */
export const URL_FOLDER = '/lambda_url/';

/** The permissions that a caller of a public URL needs. */
export const URL_ACTIONS = ['lambda:InvokeFunctionUrl', 'lambda:InvokeFunction'] as const;

const MAX_BODY_BYTES = 6 * 1024 * 1024; // Lambda's limit for a synchronous invocation
const MAX_WAITING = 100;

/** Lambda allows 1,000, but each invocation here is a process. */
const CONCURRENCY_WITHOUT_LIMIT = 5;

/** A function with a URL. */
export interface FunctionWithUrl {
  readonly name: string;
  readonly arn: string;
  readonly reservedConcurrency?: number;
}

export function functionUrl(endpointUrl: string, functionName: string): string {
  return `${endpointUrl}${URL_FOLDER}${functionName}/`;
}

interface Invoking {
  /** Invokes a function once and returns its result. Rejects if the function failed. */
  readonly invoke: (arn: string, event: unknown) => Promise<unknown>;
  /** The caller "anybody" in the policies of the functions. */
  readonly anybody: Caller;
  /** The functions' time, in milliseconds since the epoch. */
  readonly now: () => number;
}

export class FunctionUrls {
  readonly folder = URL_FOLDER;
  #functions: ReadonlyMap<string, { served: FunctionWithUrl; turns: Turns }> | undefined;
  #invoking: Invoking | undefined;

  /** Serves these functions from now on. Before this call, every request gets 503. */
  serve(functions: readonly FunctionWithUrl[], invoking: Invoking): void {
    this.#invoking = invoking;
    this.#functions = new Map(
      functions.map((served) => [
        served.name,
        { served, turns: new Turns(served.reservedConcurrency ?? CONCURRENCY_WITHOUT_LIMIT) },
      ]),
    );
  }

  /** Responds to a request below the folder. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, headers, body } = await this.#answerTo(request);
    if (response.destroyed) return; // the caller is gone
    request.resume(); // a caller that is still sending does not read the response
    response.writeHead(status, { ...headers, 'content-length': body.length }).end(body);
  }

  async #answerTo(request: IncomingMessage): Promise<UrlAnswer> {
    if (this.#functions === undefined || this.#invoking === undefined)
      return said(503, 'The functions have not started yet.');
    const { name, path, query } = placeOf(request.url ?? '');
    const found = this.#functions.get(name);
    if (found === undefined) return said(403, 'Forbidden');
    const { served, turns } = found;
    const body = await bodyWithin(request, MAX_BODY_BYTES);
    if (body === undefined) return TOO_LARGE;
    if (turns.waiting(name) >= MAX_WAITING) return said(429, 'Rate Exceeded.');
    const invoking = this.#invoking;
    const event = () => urlEvent({ request, path, query, body, functionName: name, now: invoking.now() });
    return await turns.run(name, () => answerOf(served, event(), invoking));
  }
}

async function answerOf(
  { arn }: FunctionWithUrl,
  event: object,
  { invoke, anybody }: Invoking,
): Promise<UrlAnswer> {
  try {
    for (const action of URL_ACTIONS) anybody.demand({ action, resource: arn });
    return urlAnswer(await invoke(arn, event)) ?? said(502, 'Internal Server Error');
  } catch (error) {
    if (error instanceof AwsError) return said(403, 'Forbidden');
    return said(502, 'Internal Server Error'); // the function's log and the terminal have the reason
  }
}

/** Splits `/lambda_url/<name>/<path>?<query>`. */
function placeOf(url: string): { name: string; path: string; query: string } {
  const behind = url.slice(URL_FOLDER.length);
  const asked = behind.search(/\?/);
  const [whole, query] = asked < 0 ? [behind, ''] : [behind.slice(0, asked), behind.slice(asked + 1)];
  const slash = whole.indexOf('/');
  const [name, path] = slash < 0 ? [whole, '/'] : [whole.slice(0, slash), whole.slice(slash)];
  return { name, path, query };
}

/** Reads the body. If it is too large, returns undefined and leaves the rest unread. */
async function bodyWithin(request: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    size += chunk.length;
    if (size > limit) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function said(status: number, Message: string): UrlAnswer {
  return {
    status,
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify({ Message })),
  };
}

/** The connection is closed, because the rest of the body may never end. */
const TOO_LARGE: UrlAnswer = {
  ...said(413, `Request must be smaller than ${MAX_BODY_BYTES} bytes for the InvokeFunction operation`),
  headers: { 'content-type': 'application/json', connection: 'close' },
};
