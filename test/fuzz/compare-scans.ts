/**
 * Reads a file with and without the scanner, and compares every line: as a line of a request file and of a result file,
 * what both readers say about each row; and for either line shape, each value that the scanner found with the value
 * from `JSON.parse`.
 */
import { isUtf8 } from 'node:buffer';
import {
  type NumberedLine,
  type ResultLineHandler,
  ResultLines,
} from '../../functions/deliver/part/result-lines.ts';
import { type Line, LineReader } from '../../functions/shared/part-rows/lines.ts';
import { hashOf } from '../../functions/shared/request-file/custom-id-index.ts';
import type { PlannableRow } from '../../functions/shared/request-file/plan-parts.ts';
import { type RowHandler, ScannedRows } from '../../functions/shared/request-file/scanned-rows.ts';
import { validateRow } from '../../functions/shared/request-file/validate-row.ts';
import { type ResultLine, readResultLine } from '../../functions/shared/result-lines/result-line.ts';
import { LineScanner } from '../../functions/shared/scanner/line-scanner.ts';
import { type LineShape, REQUEST_LINE, RESULT_LINE } from '../../functions/shared/scanner/line-shapes.ts';
import { KIND, type ScannedLine } from '../../functions/shared/scanner/scanned-line.ts';
import { scannerModule } from '../../functions/shared/scanner/scanner-module.ts';

/**
 * The results of a comparison. `fast`: request rows that the scanner accepted by itself. `clean`: lines that it called
 * clean.
 */
export interface Compared {
  lines: number;
  fast: number;
  clean: number;
  differences: string[];
}

interface Reader {
  push(chunk: Uint8Array): void;
  end(): void;
}

/** Compares one file, read in chunks that end at the cuts. `longest`: the maximum bytes of a line. */
export function compareScans(file: Buffer, cuts: readonly number[], longest = 1_000_000): Compared {
  const module = scannerModule();
  if (!module) throw new Error('this machine cannot run the scanner, so there is nothing to compare');
  const read = (reader: Reader) => {
    for (const [at, end] of [...cuts, file.length].entries())
      reader.push(file.subarray(at === 0 ? 0 : cuts[at - 1], end));
    reader.end();
  };
  const [scanned, parsed] = [new RowLog(), new RowLog()];
  const options = { longest, offset: 0, linesBefore: 0 };
  read(new ScannedRows(module, scanned, options));
  read(new LineReader(parsed, options));
  const compared: Compared = { lines: parsed.said.length, fast: scanned.fast, clean: 0, differences: [] };
  compared.differences.push(...differencesOf('rows', scanned.said, parsed.said));
  const [results, parsedResults] = [new ResultLog(), new ResultLog()];
  read(new ResultLines(results, module));
  read(new ResultLines(parsedResults, null));
  compared.differences.push(...differencesOf('results', results.said, parsedResults.said));
  for (const shape of [REQUEST_LINE, RESULT_LINE]) {
    const values = new ValueCheck();
    const scanner = new LineScanner<string>(module, shape, values, options);
    values.begin(scanner.slots, shape);
    read(scanner);
    compared.clean += values.clean;
    compared.differences.push(...values.differences);
  }
  return compared;
}

function differencesOf(what: string, scanned: readonly string[], parsed: readonly string[]): string[] {
  const places = Array.from({ length: Math.max(scanned.length, parsed.length) }, (_, at) => at);
  return places
    .filter((at) => scanned[at] !== parsed[at])
    .map((at) => `${what}: ${scanned[at]}\n  parsed: ${parsed[at]}`);
}

/** Records what is said about each line of a result file. */
class ResultLog implements ResultLineHandler {
  readonly said: string[] = [];

  result({ number, bytes }: NumberedLine, result: ResultLine | undefined): void {
    this.said.push(`${number} ${Buffer.from(bytes).toString('latin1')} ${JSON.stringify(result)}`);
  }

  overlong(number: number): void {
    this.said.push(`${number} overlong`);
  }
}

/** Records what is said about each line of a request file, in the same way for both readers. */
class RowLog implements RowHandler {
  readonly said: string[] = [];
  fast = 0;

  row(line: Omit<Line, 'bytes'>, { customId, ...row }: PlannableRow, hash: number): void {
    this.fast += 1;
    const { memory, start, end } = Object(customId);
    const id = Buffer.from(memory.subarray(start, end)).toString();
    this.#say(line, { row: { ...row, customId: id }, hash });
  }

  line(line: Line): void {
    const checked = validateRow(line.bytes);
    if ('code' in checked) this.#say(line, checked);
    else {
      const { customId, ...row } = checked.row;
      this.#say(line, { row: { ...row, customId }, hash: hashOf(customId) });
    }
  }

  overlong(number: number): void {
    this.said.push(`${number} overlong`);
  }

  #say({ number, offset, length, start, end }: Omit<Line, 'bytes'>, verdict: object): void {
    this.said.push(`${number} ${offset} ${length} ${start} ${end} ${JSON.stringify(verdict)}`);
  }
}

/** Compares the values of clean lines. */
class ValueCheck {
  readonly differences: string[] = [];
  clean = 0;
  #slots: Readonly<Record<string, number>> = {};
  #shape: LineShape = REQUEST_LINE;

  begin(slots: Readonly<Record<string, number>>, shape: LineShape): void {
    this.#slots = slots;
    this.#shape = shape;
  }

  overlong(): void {}

  scanned(line: ScannedLine): void {
    if (!line.isClean) return;
    this.clean += 1;
    const problem = this.#problemIn(line);
    if (problem !== undefined)
      this.differences.push(
        `values: ${problem} in ${JSON.stringify(Buffer.from(line.bytes).toString('latin1'))}`,
      );
  }

  #problemIn(line: ScannedLine): string | undefined {
    if (!isUtf8(line.bytes)) return 'clean, but not UTF-8';
    let parsed: unknown;
    try {
      parsed = JSON.parse(Buffer.from(line.bytes).toString());
    } catch {
      return 'clean, but not JSON';
    }
    for (const [name, path] of Object.entries(this.#shape.paths)) {
      const slot = this.#slots[name] ?? -1;
      const value = valueAt(parsed, path.split('.'));
      if (!isAsFound(line, slot, value))
        return `${path} is ${JSON.stringify(value)}; found kind ${line.kind(slot)}`;
      const isRepeated = line.kind(slot) === KIND.string && this.#shape.repeated.includes(name);
      if (isRepeated && line.repeatedText(slot) !== value)
        return `${path}: repeated as ${line.repeatedText(slot)}`;
    }
    const id = this.#slots.customId ?? -1;
    const result = readResultLine(line.bytes);
    if (line.kind(id) === KIND.string && result?.customId !== line.text(id)) return 'another custom_id';
    return undefined;
  }
}

function valueAt(parsed: unknown, path: readonly string[]): unknown {
  let value = parsed;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, key))
      return undefined;
    value = Object(value)[key];
  }
  return value;
}

function isAsFound(line: ScannedLine, slot: number, value: unknown): boolean {
  const kind = line.kind(slot);
  if (kind === KIND.absent) return value === undefined;
  if (kind === KIND.string) return line.text(slot) === value;
  const text = line.text(slot);
  if (kind === KIND.escapedString) return text.includes('\\') && JSON.parse(`"${text}"`) === value;
  if (JSON.stringify(JSON.parse(text)) !== JSON.stringify(value)) return false;
  if (kind === KIND.integer) return line.count(slot) === value;
  if (kind === KIND.number) return typeof value === 'number';
  if (kind === KIND.array)
    return Array.isArray(value) && line.count(slot) === value.length && isFirst(line, slot, value[0]);
  return (
    { [KIND.true]: true, [KIND.false]: false, [KIND.null]: null }[kind] === value || kind === KIND.object
  );
}

/** The first byte decides whether the first element is a number. */
function isFirst(line: ScannedLine, slot: number, first: unknown): boolean {
  return /[-\d]/.test(String.fromCharCode(line.firstByte(slot))) === (typeof first === 'number');
}
