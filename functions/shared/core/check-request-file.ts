/**
 * Reads a whole request file once, in bounded memory, and answers either the plan of its parts or what is wrong with
 * it. Nothing is sent before this has answered. A file whose ids collide in their hashes is read a second time, to
 * compare the ids themselves. Known gap: mixed endpoints or models are refused, not grouped.
 */
import { excerptOf, type Finding } from '../contract/events.ts';
import { FILE_LIMITS, PART_LIMITS } from '../contract/request-file.ts';
import { checkRow, type Row } from './check-row.ts';
import { type Line, type LineHandler, LineReader, uploadLength } from './lines.ts';
import { RowIds } from './row-ids.ts';

/** Findings kept for the report; all are counted. */
export const FINDINGS_KEPT = 1000;

/** What becomes one batch. */
export interface PlannedPart {
  range: { start: number; end: number };
  rows: number;
  uploadBytes: number;
}

export type CheckedFile =
  | { verdict: 'good'; endpoint: string; model: string; rows: number; parts: PlannedPart[] }
  | { verdict: 'bad'; findings: Finding[]; count: number };

/** `read` opens the file from its start; it is called a second time only to verify duplicates. */
export async function checkRequestFile(read: () => AsyncIterable<Uint8Array>): Promise<CheckedFile> {
  const check = new FileCheck();
  const reader = new LineReader(check, { longest: FILE_LIMITS.rowBytes });
  for await (const chunk of read()) {
    reader.push(chunk);
    if (check.hopeless) break;
  }
  if (!check.hopeless) reader.end();
  const suspects = check.ids.candidates();
  if (suspects.size > 0) await verifyDuplicates(read, suspects, check);
  return check.verdict();
}

class FileCheck implements LineHandler {
  readonly ids = new RowIds();
  /** Over a limit of the file as a whole: reading on would only cost. */
  hopeless = false;
  #findings: Finding[] = [];
  #count = 0;
  #rows = 0;
  #first: { row: Row; line: number } | undefined;
  readonly #parts: PlannedPart[] = [];
  #inputsInPart = 0;

  line(line: Line): void {
    if (this.hopeless) return;
    this.#rows += 1;
    if (this.#rows > FILE_LIMITS.rows) {
      this.hopeless = true;
      this.find(null, 'too_many_rows', `the file has more than ${FILE_LIMITS.rows} rows; split it`);
      return;
    }
    const checked = checkRow(line.bytes);
    if ('code' in checked) {
      this.find(line.number, checked.code, checked.message);
      return;
    }
    this.#compareWithFirst(checked.row, line.number);
    this.ids.add(checked.row.customId, line.number);
    if (checked.row.embeddingInputs > PART_LIMITS.embeddingInputs) {
      const allowed = PART_LIMITS.embeddingInputs;
      this.find(
        line.number,
        'too_many_inputs',
        `body.input has ${checked.row.embeddingInputs} inputs; ${allowed} are allowed`,
      );
    }
    this.#addToPart(line, checked.row);
  }

  overlong(number: number): void {
    this.#rows += 1;
    this.find(number, 'row_too_long', `the line is longer than ${FILE_LIMITS.rowBytes} bytes`);
  }

  find(line: number | null, code: string, message: string): void {
    this.#count += 1;
    // What concerns the whole file is kept in any case: there is little of it, and it explains the rest.
    if (line === null || this.#findings.length < FINDINGS_KEPT) this.#findings.push({ line, code, message });
  }

  verdict(): CheckedFile {
    if (this.#rows === 0) this.find(null, 'empty_file', 'the file holds no row');
    if (this.#count > 0 || !this.#first) {
      const findings = this.#findings.sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
      return { verdict: 'bad', findings, count: this.#count };
    }
    const { endpoint, model } = this.#first.row;
    return { verdict: 'good', endpoint, model, rows: this.#rows, parts: this.#parts };
  }

  #compareWithFirst(row: Row, line: number): void {
    this.#first ??= { row, line };
    const first = this.#first;
    if (row.endpoint !== first.row.endpoint) {
      this.find(
        line,
        'mixed_url',
        `url is ${row.endpoint}, but ${first.row.endpoint} in line ${first.line}; one file has one url`,
      );
    }
    if (row.model !== first.row.model) {
      this.find(
        line,
        'mixed_model',
        `body.model is ${shownModel(row.model)}, but ${shownModel(first.row.model)} in line ${first.line}; one file has one model`,
      );
    }
  }

  #addToPart(line: Line, row: Row): void {
    const bytes = uploadLength(line);
    let part = this.#parts.at(-1);
    const fits =
      part !== undefined &&
      part.rows < PART_LIMITS.rows &&
      part.uploadBytes + bytes <= PART_LIMITS.bytes &&
      this.#inputsInPart + row.embeddingInputs <= PART_LIMITS.embeddingInputs;
    if (!part || !fits) {
      part = { range: { start: line.start, end: line.end }, rows: 0, uploadBytes: 0 };
      this.#parts.push(part);
      this.#inputsInPart = 0;
    }
    part.range.end = line.end;
    part.rows += 1;
    part.uploadBytes += bytes;
    this.#inputsInPart += row.embeddingInputs;
  }
}

/** A model's name is short; what is not short is no model's name. */
function shownModel(model: string): string {
  return JSON.stringify(model.slice(0, 60));
}

/** Reads the suspect lines again and reports each id that was there before, with the line where it was. */
async function verifyDuplicates(
  read: () => AsyncIterable<Uint8Array>,
  suspects: Set<number>,
  check: FileCheck,
): Promise<void> {
  const firstLineOf = new Map<string, number>();
  let left = suspects.size;
  const handler: LineHandler = {
    line({ number, bytes }) {
      if (!suspects.has(number)) return;
      left -= 1;
      const checked = checkRow(bytes);
      if (!('row' in checked)) return;
      const { customId } = checked.row;
      const first = firstLineOf.get(customId);
      if (first === undefined) firstLineOf.set(customId, number);
      else check.find(number, 'duplicate_custom_id', `custom_id is the same as in line ${first}`);
    },
    overlong() {},
  };
  const reader = new LineReader(handler, { longest: FILE_LIMITS.rowBytes });
  for await (const chunk of read()) {
    reader.push(chunk);
    if (left === 0) return;
  }
  reader.end();
}

/** The findings as an event carries them. */
export function findingsExcerpt(bad: { findings: Finding[]; count: number }): {
  count: number;
  first: Finding[];
} {
  return excerptOf(bad.findings, bad.count);
}
