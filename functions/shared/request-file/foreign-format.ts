/**
 * Recognises files in another format or encoding by their first bytes. Such a file gets one finding that names the
 * cause, instead of one finding per line. The rules match only files whose first line is not a JSON object in UTF-8, so
 * a valid request file is never taken for another format.
 */

import { isUtf8 } from 'node:buffer';

/** How many bytes of a file are examined. */
export const HEAD_BYTES = 4096;

/** A format that is not JSON Lines in UTF-8. */
export interface ForeignFormat {
  code: 'wrong_encoding' | 'compressed' | 'wrong_format';
  message: string;
}

const UNPACK = 'decompress it and upload the .jsonl file itself';
const EXPORT = 'export it as JSON Lines: one JSON object per line';

/** The first bytes in Latin-1, and their position if it is not 0. */
const SIGNATURES: readonly {
  code: ForeignFormat['code'];
  is: string;
  begins: string;
  at?: number;
  todo: string;
}[] = [
  { code: 'compressed', is: 'compressed with gzip', begins: '\x1f\x8b', todo: UNPACK },
  { code: 'compressed', is: 'a ZIP archive', begins: 'PK\x03\x04', todo: UNPACK },
  { code: 'compressed', is: 'an empty ZIP archive', begins: 'PK\x05\x06', todo: UNPACK },
  { code: 'compressed', is: 'compressed with Zstandard', begins: '\x28\xb5\x2f\xfd', todo: UNPACK },
  { code: 'compressed', is: 'compressed with bzip2', begins: 'BZh', todo: UNPACK },
  { code: 'compressed', is: 'compressed with xz', begins: '\xfd7zXZ\0', todo: UNPACK },
  { code: 'compressed', is: 'a 7-Zip archive', begins: '7z\xbc\xaf\x27\x1c', todo: UNPACK },
  { code: 'compressed', is: 'compressed with LZ4', begins: '\x04\x22\x4d\x18', todo: UNPACK },
  { code: 'compressed', is: 'compressed with Snappy', begins: '\xff\x06\0\0sNaPpY', todo: UNPACK },
  { code: 'compressed', is: 'a tar archive', begins: 'ustar', at: 257, todo: 'upload the .jsonl file in it' },
  { code: 'wrong_format', is: 'a Parquet file', begins: 'PAR1', todo: EXPORT },
  { code: 'wrong_format', is: 'an Avro file', begins: 'Obj\x01', todo: EXPORT },
  { code: 'wrong_format', is: 'an ORC file', begins: 'ORC', todo: EXPORT },
  { code: 'wrong_format', is: 'an Arrow file', begins: 'ARROW1', todo: EXPORT },
  { code: 'wrong_format', is: 'a PDF file', begins: '%PDF-', todo: EXPORT },
  { code: 'wrong_format', is: 'an SQLite database', begins: 'SQLite format 3\0', todo: EXPORT },
];

/** Returns the format of a file that begins with these bytes; undefined if it may be JSON Lines. */
export function foreignFormatOf(head: Uint8Array): ForeignFormat | undefined {
  const bytes = Buffer.from(head.buffer, head.byteOffset, Math.min(head.length, HEAD_BYTES));
  const encoding = encodingOf(bytes);
  if (encoding !== undefined) {
    const message = `the file is in ${encoding}, not in UTF-8; save it as UTF-8 (PowerShell: Set-Content -Encoding utf8)`;
    return { code: 'wrong_encoding', message };
  }
  const latin1 = bytes.toString('latin1');
  const text = latin1.replace(/^\xef\xbb\xbf/, '').trimStart();
  if (text.startsWith('{'))
    return isIndented(text)
      ? wrong('JSON with objects that span several lines', 'write each request on one line')
      : undefined;
  const known = SIGNATURES.find(({ begins, at = 0 }) => latin1.startsWith(begins, at));
  if (known) return { code: known.code, message: `the file is ${known.is}, not JSON Lines; ${known.todo}` };
  return foreignTextOf(text) ?? (latin1.includes('\0') ? wrong('binary', EXPORT) : undefined);
}

/**
 * Returns what a file that should be text is instead, such as `in UTF-16` or `compressed with gzip`; undefined if it may
 * be text. A text may begin like a binary format: a column may be named ORC.
 */
export function binaryFormatOf(head: Uint8Array): string | undefined {
  const bytes = Buffer.from(head.buffer, head.byteOffset, Math.min(head.length, HEAD_BYTES));
  const encoding = encodingOf(bytes);
  if (encoding !== undefined) return `in ${encoding}`;
  const latin1 = bytes.toString('latin1');
  const known = SIGNATURES.find(({ begins, at = 0 }) => latin1.startsWith(begins, at));
  return known && (latin1.includes('\0') || !isUtf8(withoutCutCharacter(bytes))) ? known.is : undefined;
}

/** The last character may be incomplete, because the bytes are only the first ones. */
function withoutCutCharacter(bytes: Buffer): Buffer {
  const isContinued = (at: number) => ((bytes[at] ?? 0) & 0xc0) === 0x80;
  let end = bytes.length;
  while (end > 0 && end > bytes.length - 3 && isContinued(end - 1)) end -= 1;
  return (bytes[end - 1] ?? 0) >= 0xc0 ? bytes.subarray(0, end - 1) : bytes;
}

function wrong(is: string, todo: string): ForeignFormat {
  return { code: 'wrong_format', message: `the file is ${is}, not JSON Lines; ${todo}` };
}

function isIndented(text: string): boolean {
  return /^\{[ \t]*\r?\n[ \t]*"/.test(text);
}

/**
 * Returns the encoding if it is not UTF-8. Without a byte order mark, it follows from zero bytes among the first
 * characters: these are ASCII in any JSON, and UTF-8 has no zero bytes in them.
 */
function encodingOf(bytes: Buffer): string | undefined {
  const [a, b, c, d] = bytes;
  if (a === 0xff && b === 0xfe) return c === 0 && d === 0 ? 'UTF-32' : 'UTF-16';
  if (a === 0xfe && b === 0xff) return 'UTF-16';
  if (a === 0 && b === 0 && c === 0xfe && d === 0xff) return 'UTF-32';
  if (bytes.length < 4) return undefined;
  const zeros = [a, b, c, d].map((byte) => (byte === 0 ? '0' : 'x')).join('');
  if (zeros === 'x000' || zeros === '000x') return 'UTF-32';
  return zeros === 'x0x0' || zeros === '0x0x' ? 'UTF-16' : undefined;
}

function foreignTextOf(text: string): ForeignFormat | undefined {
  if (/^\[\s*[{\]]/.test(text) || text === '[')
    return wrong(
      'a JSON array',
      'write each request on a line of its own, without brackets and commas around it',
    );
  if (/^<(?:[!?]|\w+[\s>/])/.test(text)) return wrong('XML or HTML', EXPORT);
  return isCsv(text) ? wrong('CSV', EXPORT) : undefined;
}

/**
 * Returns whether the text begins with a line of column names and, if there is a second line, with a line of values.
 */
function isCsv(text: string): boolean {
  const [names = '', values] = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  return [',', ';', '\t', '|'].some((separator) => {
    const columns = names.split(separator);
    if (columns.length < 2 || !columns.every((name) => /^\s*"?[\p{L}_][\w\p{L} .:/-]*"?\s*$/u.test(name)))
      return false;
    return values === undefined ? columns.every((name) => !/\S\s\S/.test(name)) : values.includes(separator);
  });
}
