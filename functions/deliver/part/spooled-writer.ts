import type { ObjectWriter, ResultStore } from '../../shared/ports/ports.ts';

const MAX_IN_MEMORY = 4 * 1024 * 1024;
const JSONL = 'application/jsonl';
const NOTHING: Buffer = Buffer.alloc(0);

/**
 * Writes lines to an object, but keeps them in memory while they are few, because they may later go to another object.
 * Without lines, no object is written.
 */
export class SpooledWriter implements ObjectWriter {
  readonly #results: Pick<ResultStore, 'put' | 'openWriter'>;
  readonly #key: string;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #writer: ObjectWriter | undefined;

  constructor(results: Pick<ResultStore, 'put' | 'openWriter'>, key: string) {
    this.#results = results;
    this.#key = key;
  }

  /** All lines; undefined if there were too many to keep in memory. */
  get inMemory(): Buffer | undefined {
    if (this.#writer) return undefined;
    const [only = NOTHING, ...others] = this.#chunks;
    if (others.length === 0) return only;
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [all];
    return all;
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (!this.#writer && this.#bytes + bytes.length > MAX_IN_MEMORY) {
      this.#writer = this.#results.openWriter(this.#key, JSONL);
      for (const chunk of this.#chunks.splice(0)) await this.#writer.write(chunk);
    }
    if (this.#writer) await this.#writer.write(bytes);
    else this.#chunks.push(Buffer.from(bytes));
    this.#bytes += bytes.length;
  }

  async close(): Promise<number> {
    if (this.#writer) return await this.#writer.close();
    if (this.#bytes > 0) await this.putAs(this.#key);
    return this.#bytes;
  }

  /** Writes the lines in memory to another object. Errors: those of the storage; an Error if there were too many. */
  async putAs(key: string): Promise<void> {
    const { inMemory } = this;
    if (!inMemory) throw new Error(`put ${key}: its lines are being written to ${this.#key}`);
    await this.#results.put(key, inMemory, JSONL);
  }

  async abort(): Promise<void> {
    this.#chunks = [];
    await this.#writer?.abort();
  }
}
