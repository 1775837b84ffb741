import http, { type ClientRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import https from 'node:https';
import { parseBaseUrl } from '../../contract/base-url.ts';
import { withIdleTimeout } from '../aws/idle-timeout.ts';
import { createReadingAgent } from '../aws/reading-agent.ts';
import { BoundedJson } from './bounded-json.ts';

const READ_BYTES = 512 * 1024;

/*
 * Plain HTTP as the Batch API needs it: each call is sent once, without redirects, with exact lengths, and with
 * backpressure in both directions. Each failure says whether the request may have arrived.
 */

/** A request below the base URL. */
export interface OpenAiRequest {
  method: 'GET' | 'POST' | 'DELETE';
  /** The path after the base URL. It begins with `/` and is encoded. */
  path: string;
  headers: OutgoingHttpHeaders;
  /**
   * The request announces `bytes` and breaks off if the body has more or fewer. Pieces must not be modified afterwards.
   */
  body?: { bytes: number; pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array> };
  /** Use a new connection. If the server closes an idle one, that looks like a lost response. */
  ownConnection?: true;
  /** Destroys the connection. */
  signal?: AbortSignal;
  /**
   * How long the response may take to begin after the request is sent, in milliseconds. Default: the silence time-out.
   */
  answerMs?: number;
}

/** No response arrived, or it broke off. */
export class ConnectionFailure extends Error {
  override readonly name = 'ConnectionFailure';
  /** False if certainly no byte of the request was sent. */
  readonly mayHaveArrived: boolean;

  constructor(message: string, mayHaveArrived: boolean, cause?: unknown) {
    super(message, { cause });
    this.mayHaveArrived = mayHaveArrived;
  }
}

/** Sends requests. Throws a ConnectionFailure, or what the request's own body threw. */
export interface OpenAiTransport {
  /** Returns the response after its headers; its body is not read yet. */
  open(request: OpenAiRequest): Promise<IncomingMessage>;
  /** Returns the whole body; undefined if it is too long. Oversized JSON values are left out. */
  readWhole(answer: IncomingMessage, mostBytes: number): Promise<Buffer | undefined>;
  /** Yields the body as it arrives. Throws at the end if the body is incomplete. */
  pieces(answer: IncomingMessage): AsyncGenerator<Uint8Array>;
}

/**
 * `silenceMs`: how long the server may send nothing, in milliseconds. Errors: an Error for a base URL that would leak
 * the key.
 */
export function createOpenAiTransport(baseUrl: string, silenceMs: number): OpenAiTransport {
  const base = parseBaseUrl(baseUrl);
  if ('problem' in base) throw new Error(`the base URL ${base.problem}`);
  const secure = base.url.startsWith('https:');
  const agent = createReadingAgent(secure, { readBytes: READ_BYTES });
  const start = (request: OpenAiRequest): ClientRequest =>
    (secure ? https : http).request(base.url + request.path, {
      method: request.method,
      agent: request.ownConnection ? false : agent,
      headers: {
        ...request.headers,
        'accept-encoding': 'identity',
        ...(request.body === undefined ? {} : { 'content-length': request.body.bytes }),
      },
    });

  return {
    async open(request) {
      if (request.signal?.aborted)
        throw new ConnectionFailure('cancelled before it was sent', false, request.signal.reason);
      const outgoing = start(request);
      try {
        return await answerTo(outgoing, request, secure, silenceMs);
      } catch (error) {
        // The server closed an idle connection. A GET is sent once more, on a new connection.
        const stale = outgoing.reusedSocket && isReset(error) && request.method === 'GET';
        if (!stale) throw error;
        const again = { ...request, ownConnection: true as const };
        return await answerTo(start(again), again, secure, silenceMs);
      }
    },
    readWhole: (answer, mostBytes) => readWhole(answer, mostBytes, silenceMs),
    pieces: (answer) => piecesOf(answer, silenceMs),
  };
}

async function answerTo(
  outgoing: ClientRequest,
  request: OpenAiRequest,
  secure: boolean,
  silenceMs: number,
): Promise<IncomingMessage> {
  const { signal } = request;
  const answer = headOf(outgoing, secure);
  answer.catch(() => {}); // it may fail while the body is still being sent
  const giveUp = (): void => {
    const { reason } = signal ?? {};
    outgoing.destroy(reason instanceof Error ? reason : new Error('given up', { cause: reason }));
  };
  signal?.addEventListener('abort', giveUp);
  outgoing.once('close', () => signal?.removeEventListener('abort', giveUp));
  try {
    await sendBody(outgoing, request.body, answer, silenceMs);
    return await withIdleTimeout(request.answerMs ?? silenceMs, outgoing, answer);
  } catch (error) {
    outgoing.destroy();
    throw error;
  }
}

/** Returns the response after its headers, or throws the failure. */
function headOf(outgoing: ClientRequest, secure: boolean): Promise<IncomingMessage> {
  let mayHaveArrived = false;
  const connected = (): void => {
    mayHaveArrived = true;
  };
  outgoing.once('socket', (socket) => {
    if (socket.connecting) socket.once(secure ? 'secureConnect' : 'connect', connected);
    else connected();
  });
  return new Promise((resolve, reject) => {
    outgoing.once('response', resolve);
    outgoing.on('error', (error) =>
      reject(new ConnectionFailure(`connection failed: ${error.message}`, mayHaveArrived, error)),
    );
  });
}

/** Sends the body to its end, or until a response arrives. */
async function sendBody(
  outgoing: ClientRequest,
  body: OpenAiRequest['body'],
  answer: Promise<IncomingMessage>,
  silenceMs: number,
): Promise<void> {
  if (body === undefined) return void outgoing.end();
  const source = iteratorOf(body.pieces);
  let isOver = false;
  const over = (): void => {
    isOver = true;
  };
  answer.then(over, over);
  let sent = 0;
  try {
    for (;;) {
      const piece = await untilEvent(outgoing, ENDED, source.next()); // the source has its own time-outs
      if (isOver || piece === undefined) return;
      if (piece.done) break;
      sent += piece.value.length;
      if (sent > body.bytes) break;
      if (outgoing.write(piece.value)) continue;
      await withIdleTimeout(silenceMs, outgoing, untilEvent(outgoing, [...ENDED, 'drain']));
      if (isOver) return;
    }
  } finally {
    source.return(undefined).catch(() => {}); // not awaited, because the source may hang
  }
  if (sent !== body.bytes) {
    throw new Error(
      `the body has ${sent > body.bytes ? 'more' : 'fewer'} bytes than the announced ${body.bytes}`,
    );
  }
  outgoing.end();
}

const ENDED = ['response', 'error', 'close'] as const;

/**
 * Waits for one of the events or for `expected`. Returns undefined if an event was first. It leaves no listeners
 * behind. It makes a new promise for each call, because a promise that lives as long as the request would keep every
 * piece in memory.
 */
async function untilEvent<T>(
  outgoing: ClientRequest,
  events: readonly string[],
  expected?: Promise<T>,
): Promise<T | undefined> {
  let stop = (): void => {};
  const happened = new Promise<undefined>((resolve) => {
    const listener = (): void => resolve(undefined);
    for (const event of events) outgoing.once(event, listener);
    stop = () => {
      for (const event of events) outgoing.off(event, listener);
    };
  });
  try {
    return await (expected === undefined ? happened : Promise.race([expected, happened]));
  } finally {
    stop();
  }
}

async function* iteratorOf(
  pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, undefined> {
  yield* pieces;
}

async function readWhole(
  answer: IncomingMessage,
  mostBytes: number,
  silenceMs: number,
): Promise<Buffer | undefined> {
  const read = async (): Promise<Buffer | undefined> => {
    const body = new BoundedJson(mostBytes);
    for await (const piece of piecesOf(answer, silenceMs)) if (!body.push(piece)) return undefined;
    return body.bytes();
  };
  return withIdleTimeout(silenceMs, answer, read()); // a trickle counts as silence
}

async function* piecesOf(answer: IncomingMessage, silenceMs: number): AsyncGenerator<Buffer> {
  const source: AsyncIterator<Buffer> = answer[Symbol.asyncIterator]();
  const next = async (): Promise<IteratorResult<Buffer>> => {
    try {
      return await withIdleTimeout(silenceMs, answer, source.next());
    } catch (error) {
      throw new ConnectionFailure('the response ended too early', true, error);
    }
  };
  try {
    // The time counts only while we wait for the server, not while the consumer works.
    for (let piece = await next(); !piece.done; piece = await next()) yield piece.value;
  } finally {
    if (!answer.complete) answer.destroy();
  }
}

function isReset(error: unknown): boolean {
  if (!(error instanceof ConnectionFailure) || !(error.cause instanceof Error)) return false;
  return 'code' in error.cause && (error.cause.code === 'ECONNRESET' || error.cause.code === 'EPIPE');
}
