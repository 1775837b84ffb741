import { ApiError } from '../api-error.ts';

export interface PartHead {
  readonly name: string;
  readonly filename: string | null;
}

/** Receives a part's content in pieces. A piece is valid until the returned promise settles. */
export type PartSink = (piece: Buffer) => Promise<void> | void;

const MAX_HEAD = 16 * 1024;
const HEAD_END = Buffer.from('\r\n\r\n');

/**
 * Parses a multipart/form-data body as a stream (RFC 7578) and passes each part's content to the sink that `open`
 * returns. It buffers at most one chunk and a part's headers. Throws `ApiError` (400) if the body is malformed or ends
 * early.
 */
export async function readMultipart(
  body: AsyncIterable<Buffer>,
  boundary: string,
  open: (head: PartHead) => PartSink,
): Promise<void> {
  const reader = new MultipartReader(boundary, open);
  for await (const chunk of body) await reader.take(chunk);
  reader.end();
}

class MultipartReader {
  readonly #delimiter: Buffer;
  readonly #open: (head: PartHead) => PartSink;
  #state: 'content' | 'after boundary' | 'head' | 'epilogue' = 'content';
  #sink: PartSink = () => undefined; // content before the first boundary is ignored
  #pending: Buffer = Buffer.from('\r\n'); // makes the first boundary look like the others

  constructor(boundary: string, open: (head: PartHead) => PartSink) {
    this.#delimiter = Buffer.from(`\r\n--${boundary}`);
    this.#open = open;
  }

  async take(chunk: Buffer): Promise<void> {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    while (await this.#advance());
  }

  end(): void {
    if (this.#state !== 'epilogue') throw malformed('the body ends before its last boundary');
  }

  /** Parses one step. Returns whether the pending bytes may allow another step. */
  async #advance(): Promise<boolean> {
    switch (this.#state) {
      case 'content':
        return await this.#content();
      case 'after boundary':
        return this.#afterBoundary();
      case 'head':
        return this.#head();
      case 'epilogue':
        this.#pending = Buffer.alloc(0);
        return false;
    }
  }

  async #content(): Promise<boolean> {
    const at = this.#pending.indexOf(this.#delimiter);
    // The last bytes may be the start of a delimiter, so they wait for the next chunk.
    const certain = at === -1 ? Math.max(0, this.#pending.length - this.#delimiter.length + 1) : at;
    if (certain > 0) await this.#sink(this.#pending.subarray(0, certain));
    this.#pending = this.#pending.subarray(at === -1 ? certain : at + this.#delimiter.length);
    if (at === -1) return false;
    this.#state = 'after boundary';
    return true;
  }

  #afterBoundary(): boolean {
    if (this.#pending.length < 2) return false;
    const mark = this.#pending.toString('latin1', 0, 2);
    if (mark !== '\r\n' && mark !== '--') throw malformed('a boundary is followed by neither CRLF nor --');
    // The CRLF remains, so that a part without headers is parsed like any other.
    this.#state = mark === '--' ? 'epilogue' : 'head';
    return true;
  }

  #head(): boolean {
    const end = this.#pending.indexOf(HEAD_END);
    if (end > MAX_HEAD || (end === -1 && this.#pending.length > MAX_HEAD)) {
      throw malformed('the headers of a part are too long');
    }
    if (end === -1) return false;
    this.#sink = this.#open(parseHead(this.#pending.toString('utf8', 0, end)));
    this.#pending = this.#pending.subarray(end + HEAD_END.length);
    this.#state = 'content';
    return true;
  }
}

function parseHead(head: string): PartHead {
  const disposition = head.split('\r\n').find((header) => /^content-disposition:/i.test(header));
  const name = disposition === undefined ? null : parameter(disposition, 'name');
  if (disposition === undefined || name === null) throw malformed('a part has no name');
  return { name, filename: parameter(disposition, 'filename') };
}

/** Returns a parameter of a Content-Disposition header, unescaped as browsers (`%22`) or curl (`\"`) escape it. */
function parameter(disposition: string, name: string): string | null {
  const match = new RegExp(`;\\s*${name}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^;\\s]+))`, 'i').exec(disposition);
  if (match === null) return null;
  return (match[1]?.replace(/\\(.)/g, '$1') ?? match[2] ?? '').replace(/%22/g, '"');
}

/** Returns the boundary of a multipart/form-data content type. Throws `ApiError` (400) for another type. */
export function boundaryOf(contentType: string | undefined): string {
  const match = /^multipart\/form-data\s*;.*?boundary=(?:"([^"]{1,70})"|([^;\s]{1,70}))/i.exec(
    contentType ?? '',
  );
  const boundary = match?.[1] ?? match?.[2];
  if (boundary === undefined) {
    throw new ApiError(
      400,
      'Send the file as multipart/form-data, with a boundary in the Content-Type header.',
    );
  }
  return boundary;
}

function malformed(detail: string): ApiError {
  return new ApiError(400, `The multipart body cannot be read: ${detail}.`);
}
