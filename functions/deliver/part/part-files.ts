/**
 * Stores a part's lines in pieces of its own, from which the job's results are assembled. For a small job, it writes
 * the result files at once, without pieces. A job is small if its only part ran once, has few bytes of lines, and the
 * API returned exactly one line for each row. Every delivery of such a part writes the same bytes. A superseded
 * delivery therefore does no harm, and one that crashes is repeated.
 */
import { resultKeys } from '../../shared/contract/result-keys.ts';
import { pieceKeys } from '../../shared/domain/internal-keys.ts';
import type { Part } from '../../shared/domain/part.ts';
import type { Delivered } from '../../shared/domain/part-results.ts';
import type { RowStates } from '../../shared/part-rows/row-states.ts';
import type { ResultStore } from '../../shared/ports/ports.ts';
import { SpooledWriter } from './spooled-writer.ts';

type Results = Pick<ResultStore, 'put' | 'openWriter'>;

/** What was stored, and where. */
type StoredFiles = Pick<Delivered, 'outputBytes' | 'errorsBytes' | 'anomaliesBytes' | 'withoutPieces'>;

/** The files that one delivery of a part writes. They become visible with `store`. */
export class PartFiles {
  readonly output: SpooledWriter;
  readonly errors: SpooledWriter;
  readonly anomalies: SpooledWriter;
  readonly #results: Results;
  readonly #part: Part;
  readonly #statesKey: string;

  constructor(results: Results, part: Part, deliveryId: string) {
    const keys = pieceKeys(part, deliveryId);
    this.output = new SpooledWriter(results, keys.output);
    this.errors = new SpooledWriter(results, keys.errors);
    this.anomalies = new SpooledWriter(results, keys.anomalies);
    this.#results = results;
    this.#part = part;
    this.#statesKey = keys.states;
  }

  /**
   * Makes the files visible. `isComplete`: the API returned a line for each row, and no row runs again. Errors: those
   * of the storage.
   */
  async store(states: RowStates, isComplete: boolean): Promise<StoredFiles> {
    const { output, errors, anomalies } = this;
    if (
      isComplete &&
      ranOnce(this.#part) &&
      output.inMemory &&
      errors.inMemory &&
      anomalies.inMemory?.length === 0
    ) {
      const keys = resultKeys(this.#part);
      await Promise.all([output.putAs(keys.output), errors.putAs(keys.errors)]);
      const [outputBytes, errorsBytes] = [output.inMemory.length, errors.inMemory.length];
      return { outputBytes, errorsBytes, anomaliesBytes: 0, withoutPieces: true };
    }
    await this.#results.put(this.#statesKey, states.bytes(), 'application/octet-stream');
    return {
      outputBytes: await output.close(),
      errorsBytes: await errors.close(),
      anomaliesBytes: await anomalies.close(),
    };
  }

  /** Discards what was written; never throws. */
  async abort(): Promise<void> {
    await Promise.all([this.output, this.errors, this.anomalies].map((writer) => writer.abort()));
  }
}

/** Returns whether the part is the only one of its job, and its only attempt sent all its rows. */
function ranOnce({ parts, ran, earlierResults, slice }: Part): boolean {
  return parts === 1 && ran.length === 0 && !earlierResults && !slice;
}
