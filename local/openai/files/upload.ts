import { type FileHandle, open } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { ApiError, invalid } from '../api-error.ts';
import { parseExpiry } from '../expiry.ts';
import { bodyOf } from '../router.ts';
import { boundaryOf, type PartHead, type PartSink, readMultipart } from './multipart.ts';

export interface Upload {
  readonly filename: string;
  readonly purpose: string;
  readonly bytes: number;
  readonly expiresAfterSeconds: number | null;
}

const PURPOSES: readonly string[] = ['assistants', 'batch', 'fine-tune', 'vision', 'user_data', 'evals'];
const MAX_FILE = 512_000_000; // for any purpose
const MAX_FIELD = 64 * 1024;

/**
 * Streams an uploaded file to `path` and checks its fields. Throws `ApiError` 400, or 413 for a file above the limit
 * (`batchFileBytes` for the purpose batch). The caller then removes the partly written file.
 */
export async function receiveUpload(
  request: IncomingMessage,
  path: string,
  batchFileBytes: number,
): Promise<Upload> {
  const boundary = boundaryOf(request.headers['content-type']);
  const content = await open(path, 'w');
  try {
    const form = new UploadForm(content, batchFileBytes);
    await readMultipart(bodyOf(request), boundary, (head) => form.part(head));
    return form.finish();
  } finally {
    await content.close();
  }
}

class UploadForm {
  readonly #content: FileHandle;
  readonly #batchFileBytes: number;
  readonly #fields = new Map<string, string>();
  #filename: string | null = null;
  #bytes = 0;

  constructor(content: FileHandle, batchFileBytes: number) {
    this.#content = content;
    this.#batchFileBytes = batchFileBytes;
  }

  part({ name, filename }: PartHead): PartSink {
    if (name !== 'file') return this.#field(name);
    if (this.#filename !== null) throw invalid('file', 'Send one file.');
    this.#filename = filename ?? '';
    return async (piece) => {
      this.#bytes += piece.length;
      this.#refuseTooLarge();
      await this.#content.appendFile(piece);
    };
  }

  finish(): Upload {
    const purpose = this.#fields.get('purpose');
    if (this.#filename === null) throw missing('file');
    if (purpose === undefined) throw missing('purpose');
    if (!PURPOSES.includes(purpose)) {
      throw invalid('purpose', `Invalid 'purpose': must be one of ${PURPOSES.join(', ')}.`);
    }
    this.#refuseTooLarge();
    if (purpose === 'batch' && !this.#filename.endsWith('.jsonl')) {
      throw new ApiError(400, 'Invalid file format for Batch API. Must be .jsonl');
    }
    return { filename: this.#filename, purpose, bytes: this.#bytes, expiresAfterSeconds: this.#expiry() };
  }

  #field(name: string): PartSink {
    this.#fields.set(name, '');
    return (piece) => {
      const value = (this.#fields.get(name) ?? '') + piece.toString('latin1'); // only the file may be long
      if (value.length > MAX_FIELD) throw invalid(name, `The field '${name}' is too long.`);
      this.#fields.set(name, value);
    };
  }

  #refuseTooLarge(): void {
    const limit = this.#fields.get('purpose') === 'batch' ? this.#batchFileBytes : MAX_FILE;
    if (this.#bytes <= limit) return;
    throw new ApiError(413, `The file is too large: at most ${limit} bytes are allowed.`, { param: 'file' });
  }

  #expiry(): number | null {
    const anchor = this.#fields.get('expires_after[anchor]');
    const seconds = this.#fields.get('expires_after[seconds]');
    if (anchor === undefined && seconds === undefined) return null;
    return parseExpiry('expires_after', anchor, seconds === undefined ? undefined : Number(seconds));
  }
}

function missing(param: string): ApiError {
  return invalid(param, `Missing required parameter: '${param}'.`, 'missing_required_parameter');
}
