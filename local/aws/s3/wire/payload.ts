import { createHash } from 'node:crypto';
import { badDigest, invalidRequest, malformedXml, S3Error } from '../errors.ts';
import type { DataFiles, Piece } from '../objects/data-files.ts';
import { decodeAwsChunked } from './aws-chunked.ts';
import {
  type ChecksumAlgorithm,
  checksumAlgorithm,
  checksumHeader,
  DIGEST_BYTES,
  type RunningChecksum,
  startChecksum,
} from './checksums.ts';
import type { S3Request } from './request.ts';

const MAX_PAYLOAD_BYTES = 5 * 1024 ** 3; // S3's limit for one PUT of an object or a part
const MAX_DOCUMENT_BYTES = 16 * 1024 ** 2; // 1,000 keys of 1,024 bytes, with every byte as a character reference

/** The digests of content that was written to a file. */
export interface Digests {
  readonly md5: string;
  /** Base64. */
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly value: string } | undefined;
}

/** Computes digests of the bytes that pass through. */
export class Digester {
  readonly #md5 = createHash('md5');
  readonly #algorithm: ChecksumAlgorithm | undefined;
  readonly #checksum: RunningChecksum | undefined;

  constructor(algorithm: ChecksumAlgorithm | undefined) {
    this.#algorithm = algorithm;
    this.#checksum = algorithm && startChecksum(algorithm);
  }

  async *through(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const bytes of source) {
      this.#md5.update(bytes);
      this.#checksum?.update(bytes);
      yield bytes;
    }
  }

  digests(): Digests {
    const value = this.#checksum?.digest().toString('base64');
    const checksum =
      this.#algorithm === undefined || value === undefined
        ? undefined
        : { algorithm: this.#algorithm, value };
    return { md5: this.#md5.digest('hex'), checksum };
  }
}

/** The checksum that a request declares, and where the request states it. */
interface DeclaredChecksum {
  readonly algorithm: ChecksumAlgorithm;
  /** Base64. Undefined if it follows as a trailer. */
  readonly value: string | undefined;
}

const NOT_VALUES = ['x-amz-checksum-algorithm', 'x-amz-checksum-mode', 'x-amz-checksum-type'];

/** Returns the checksum that a request declares. Throws if it declares several, or announces one that is missing. */
export function declaredChecksum(request: S3Request): DeclaredChecksum | undefined {
  const names = [...request.headers.keys()].filter(
    (name) => name.startsWith('x-amz-checksum-') && !NOT_VALUES.includes(name),
  );
  const trailer = request.headers.get('x-amz-trailer')?.trim().toLowerCase();
  if (trailer?.startsWith('x-amz-checksum-')) names.push(trailer);
  const [name, second] = names;
  if (second !== undefined) throw invalidRequest('A request may have only one checksum.');
  if (name === undefined) {
    if (request.headers.has('x-amz-sdk-checksum-algorithm')) {
      throw invalidRequest('x-amz-sdk-checksum-algorithm is given without a checksum header or trailer.');
    }
    return undefined;
  }
  const algorithm = checksumAlgorithm(name.slice('x-amz-checksum-'.length));
  return { algorithm, value: name === trailer ? undefined : request.headers.get(name) };
}

/** Streams a body into a new file. Removes the file if the body does not match the request's headers. */
export async function receiveFile(
  request: S3Request,
  files: DataFiles,
  fallbackAlgorithm?: ChecksumAlgorithm,
): Promise<Piece & Digests> {
  const declared = declaredChecksum(request);
  const payload = new Payload(request, declared, declared?.algorithm ?? fallbackAlgorithm);
  const piece = await files.write(payload.verified());
  return { ...piece, ...payload.digests() };
}

/** Reads a whole XML body. `bodyChecksum`: whether the request's checksum, if any, belongs to this body. */
export async function receiveText(request: S3Request, options: { bodyChecksum: boolean }): Promise<string> {
  const declared = options.bodyChecksum ? declaredChecksum(request) : undefined;
  const payload = new Payload(request, declared, declared?.algorithm);
  const received: Uint8Array[] = [];
  let size = 0;
  for await (const bytes of payload.verified()) {
    size += bytes.length;
    if (size > MAX_DOCUMENT_BYTES) throw malformedXml('it is too long');
    received.push(bytes);
  }
  return Buffer.concat(received).toString('utf8');
}

/** A body that ends with an error unless it matches the request's headers. */
class Payload {
  readonly #request: S3Request;
  readonly #declared: DeclaredChecksum | undefined;
  readonly #digester: Digester;
  readonly #sha256: { readonly expected: string; readonly running: RunningChecksum } | undefined;
  readonly #trailers = new Map<string, string>();
  #digests: Digests | undefined;

  constructor(
    request: S3Request,
    declared: DeclaredChecksum | undefined,
    algorithm: ChecksumAlgorithm | undefined,
  ) {
    this.#request = request;
    this.#declared = declared;
    this.#digester = new Digester(algorithm);
    const contentSha256 = request.headers.get('x-amz-content-sha256') ?? '';
    if (/^[0-9a-f]{64}$/.test(contentSha256)) {
      this.#sha256 = { expected: contentSha256, running: startChecksum('SHA256') };
    }
  }

  async *verified(): AsyncGenerator<Uint8Array> {
    const expectedSize = this.#expectedSize();
    let size = 0;
    for await (const bytes of this.#digester.through(this.#content())) {
      size += bytes.length;
      if (size > expectedSize) break;
      this.#sha256?.running.update(bytes);
      yield bytes;
    }
    if (size !== expectedSize) {
      throw new S3Error(
        400,
        'IncompleteBody',
        'You did not provide the number of bytes specified by the Content-Length HTTP header',
      );
    }
    this.#verify();
  }

  /** Call this only after `verified` has ended. */
  digests(): Digests {
    this.#digests ??= this.#digester.digests();
    return this.#digests;
  }

  #isChunked(): boolean {
    const encodings = this.#request.headers.get('content-encoding') ?? '';
    const contentSha256 = this.#request.headers.get('x-amz-content-sha256') ?? '';
    return contentSha256.startsWith('STREAMING-') || /(^|[\s,])aws-chunked($|[\s,])/i.test(encodings);
  }

  #content(): AsyncIterable<Uint8Array> {
    // The connection must stay open after a refused body. Otherwise, the error response would not reach the client.
    const body: AsyncIterable<Buffer> = this.#request.body.iterator({ destroyOnReturn: false });
    return this.#isChunked() ? decodeAwsChunked(body, this.#trailers) : body;
  }

  #expectedSize(): number {
    const name = this.#isChunked() ? 'x-amz-decoded-content-length' : 'content-length';
    const text = this.#request.headers.get(name);
    // Unlike HTTP, S3 accepts no body of unknown length.
    if (text === undefined)
      throw new S3Error(411, 'MissingContentLength', `You must provide the ${name} HTTP header.`);
    if (!/^\d+$/.test(text)) throw invalidRequest(`The header ${name} is not a number.`);
    const size = Number(text);
    if (size <= MAX_PAYLOAD_BYTES) return size;
    throw new S3Error(400, 'EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size', {
      details: { ProposedSize: text, MaxSizeAllowed: String(MAX_PAYLOAD_BYTES) },
    });
  }

  #verify(): void {
    const { md5, checksum } = this.digests();
    const contentMd5 = this.#request.headers.get('content-md5');
    if (contentMd5 !== undefined) this.#verifyMd5(contentMd5, md5);
    if (this.#sha256 && this.#sha256.running.digest().toString('hex') !== this.#sha256.expected) {
      const message = "The provided 'x-amz-content-sha256' header does not match what was computed.";
      throw new S3Error(400, 'XAmzContentSHA256Mismatch', message);
    }
    if (this.#declared === undefined) return;
    const { algorithm, value } = this.#declared;
    const expected = value ?? this.#trailers.get(checksumHeader(algorithm));
    if (expected === undefined) {
      throw new S3Error(400, 'MalformedTrailerError', 'The announced checksum trailer is missing.');
    }
    if (!isBase64Of(expected, DIGEST_BYTES[algorithm])) {
      throw invalidRequest(`Value for ${checksumHeader(algorithm)} header is invalid.`);
    }
    if (checksum?.value !== expected) throw badDigest(algorithm);
  }

  #verifyMd5(expected: string, md5: string): void {
    if (!isBase64Of(expected, 16)) {
      throw new S3Error(400, 'InvalidDigest', 'The Content-MD5 you specified is not valid');
    }
    if (Buffer.from(expected, 'base64').toString('hex') !== md5) throw badDigest('Content-MD5');
  }
}

const isBase64Of = (text: string, bytes: number): boolean => {
  const decoded = Buffer.from(text, 'base64');
  return decoded.length === bytes && decoded.toString('base64') === text;
};
