import { type Cell, textOf } from '../tables/table.ts';
import type { PlaceKind } from './template.ts';

/** A value that cannot go where the template wants it. */
export class BadValue extends Error {
  override readonly name = 'BadValue';
}

/** Reads the file that a column names, as a data URL. Errors: BadValue. */
export type ReadFile = (name: string) => string;

const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
/** All but the characters that JSON never escapes: quotes, backslashes, control characters, and halves of characters. */
const TO_ESCAPE = /[^ !#-[\]-\ud7ff\ue000-\uffff]/;
const SHOWN_LENGTH = 60;

/** Returns how a value of each kind is written into the JSON of the body. Errors: BadValue. */
export function fillersWith(readFile: ReadFile): Record<PlaceKind, (cell: Cell) => string> {
  return {
    text: (cell) => escaped(textOf(cell)),
    json: jsonValue,
    number: numberValue,
    dataurl: (cell) => readFile(textOf(cell)), // base64 has nothing to escape
  };
}

/** Returns the text as the content of a JSON string. */
export function escaped(text: string): string {
  return TO_ESCAPE.test(text) ? JSON.stringify(text).slice(1, -1) : text;
}

/** A text is read as JSON, and kept as it is written, so that numbers keep every digit. */
function jsonValue(cell: Cell): string {
  if (cell === null) return 'null';
  if (typeof cell !== 'string') return cell.json;
  try {
    JSON.parse(cell);
  } catch {
    throw new BadValue(cell.trim() === '' ? 'is empty, not JSON' : `${shown(cell)} is not JSON`);
  }
  return cell.trim().replaceAll(/[\r\n]+/g, ' '); // a line feed in JSON is never in a string
}

function numberValue(cell: Cell): string {
  const text = textOf(cell).trim();
  if (JSON_NUMBER.test(text)) return text;
  if (text === '') throw new BadValue('is empty, not a number');
  const zeros = /^-?0\d+$/.test(text) ? ': numbers of JSON have no leading zeros' : '';
  throw new BadValue(`${shown(text)} is not a number${zeros}`);
}

function shown(text: string): string {
  return JSON.stringify(text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text);
}
