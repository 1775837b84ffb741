import { deflateRawSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { binaryFormatOf, foreignFormatOf } from '../../../functions/shared/request-file/foreign-format.ts';
import { validateRequestFile } from '../../../functions/shared/request-file/validate-request-file.ts';
import { createInMemoryRowTables } from '../../fakes/in-memory-row-tables.ts';
import { fileOf, row } from '../small-world.ts';

const text = fileOf('r1', 'r2', 'r3');
const utf16 = Buffer.from(text, 'utf16le');
const utf32 = (bigEndian: boolean): Buffer => {
  const bytes = Buffer.alloc(4 * text.length);
  for (const [at, character] of [...text].entries()) {
    const code = character.charCodeAt(0);
    if (bigEndian) bytes.writeUInt32BE(code, 4 * at);
    else bytes.writeUInt32LE(code, 4 * at);
  }
  return bytes;
};
const swapped = (bytes: Buffer): Buffer => Buffer.from(bytes).swap16();
const binary = (...begins: (number | string)[]): Buffer =>
  Buffer.concat([
    ...begins.map((each) => (typeof each === 'string' ? Buffer.from(each, 'latin1') : Buffer.of(each))),
    Buffer.from(text),
    Buffer.alloc(5000, 0x0a), // many lines
  ]);
const tar = Buffer.concat([
  Buffer.alloc(257, 'a'),
  Buffer.from('ustar\0'),
  Buffer.alloc(249),
  Buffer.from(text),
]);
const zipped = Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(26), deflateRawSync(text)]);

const FOREIGN: [string, string | Buffer, string][] = [
  ['UTF-16 with a byte order mark', Buffer.concat([Buffer.of(0xff, 0xfe), utf16]), 'UTF-16'],
  [
    'UTF-16, big-endian, with a byte order mark',
    Buffer.concat([Buffer.of(0xfe, 0xff), swapped(utf16)]),
    'UTF-16',
  ],
  ['UTF-16 without one', utf16, 'UTF-16'],
  ['UTF-16, big-endian, without a byte order mark', swapped(utf16), 'UTF-16'],
  ['UTF-32 with a byte order mark', Buffer.concat([Buffer.of(0xff, 0xfe, 0, 0), utf32(false)]), 'UTF-32'],
  [
    'UTF-32, big-endian, with a byte order mark',
    Buffer.concat([Buffer.of(0, 0, 0xfe, 0xff), utf32(true)]),
    'UTF-32',
  ],
  ['UTF-32 without one', utf32(false), 'UTF-32'],
  ['UTF-32, big-endian, without a byte order mark', utf32(true), 'UTF-32'],
  ['gzip', gzipSync(text), 'gzip'],
  ['ZIP', zipped, 'ZIP'],
  ['Zstandard', binary(0x28, 0xb5, 0x2f, 0xfd), 'Zstandard'],
  ['bzip2', binary('BZh91AY&SY'), 'bzip2'],
  ['xz', binary(0xfd, '7zXZ\0'), 'xz'],
  ['7-Zip', binary('7z', 0xbc, 0xaf, 0x27, 0x1c), '7-Zip'],
  ['tar', tar, 'tar'],
  ['Parquet', binary('PAR1', 0x15, 0x04), 'Parquet'],
  ['Avro', binary('Obj', 1), 'Avro'],
  ['CSV', 'custom_id,method,url,body\nr1,POST,/v1/responses,"{""model"":""m""}"\n', 'CSV'],
  ['CSV with quoted names and semicolons', '"custom_id";"prompt"\r\n"r1";"Hello, you"\r\n', 'CSV'],
  ['tab-separated values', 'id\tprompt text\nr1\tHello\n', 'CSV'],
  ['CSV of names alone', 'custom_id,prompt\n', 'CSV'],
  ['a JSON array on one line', `[${row('r1')},${row('r2')}]`, 'JSON array'],
  ['a JSON array over many lines', `\uFEFF[\n  ${row('r1')},\n  ${row('r2')}\n]\n`, 'JSON array'],
  ['an empty JSON array', '[]\n', 'JSON array'],
  ['indented JSON', JSON.stringify(JSON.parse(row('r1')), null, 2), 'several lines'],
  ['an HTML page', '<!DOCTYPE html>\n<html><body>502</body></html>\n', 'HTML'],
  ['XML', '<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code></Error>\n', 'XML'],
  ['other binary data', binary(1, 2, 0, 7), 'binary'],
];

const check = (content: string | Buffer, chunkBytes: number) =>
  validateRequestFile(async function* () {
    const bytes = Buffer.from(content);
    for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
  }, createInMemoryRowTables());

describe('a file that is not JSON Lines', () => {
  it.each(FOREIGN)(
    '%s gets one finding, which names the format and says what to do',
    async (_, content, name) => {
      for (const chunkBytes of [1, 1000, 1_000_000]) {
        const checked = await check(content, chunkBytes);
        if (checked.verdict === 'good') throw new Error('the file is valid');
        expect(checked.count).toBe(1);
        expect(checked.findings).toEqual([
          { line: null, code: expect.any(String), message: expect.stringContaining(name) },
        ]);
        expect(checked.findings[0]?.message).toMatch(
          /^the file is .*; (save|decompress|upload|export|write) /,
        );
      }
    },
  );
});

describe('a file of JSON Lines', () => {
  it.each<[string, string]>([
    ['whose rows begin after blank lines', `\n \t\r\n${text}`],
    ['with a byte order mark', `\uFEFF${text}`],
    ['with spaces in a row', `{ "custom_id": "r1" }\n`],
    ['whose first line is prose with commas', 'hello, dear reader, this is\nno request at all\n'],
    ['whose first line is broken', `{"custom_id": \n${text}`],
    ['whose first line is a list of numbers', `[1, 2]\n${text}`],
    ['whose first line is a brace', `{\n${text}`],
    ['with the mark of a tar archive in a row', `{"custom_id":"${'a'.repeat(243)}ustar"}\n`],
    ['whose first row has a zero byte', `{"custom_id":"\0"}\n${text}`],
    ['of one byte', '7'],
    ['without a byte', ''],
  ])('%s is checked line by line', (_, content) => {
    expect(foreignFormatOf(Buffer.from(content))).toBeUndefined();
  });

  it('is read whole, whatever its chunks are', async () => {
    for (const chunkBytes of [1, 7, 4095, 4096, 4097]) {
      const checked = await check(fileOf(...Array.from({ length: 100 }, (_, at) => `r${at}`)), chunkBytes);
      expect(checked).toMatchObject({ verdict: 'good', rows: 100 });
    }
  });
});

describe('a file that should be text', () => {
  const orc = (end: string | Buffer) => Buffer.concat([Buffer.from('ORC,name'), Buffer.from(end)]);

  it.each<[string, Buffer, string | undefined]>([
    ['is UTF-8', Buffer.from('id,name'), undefined],
    ['is in UTF-16', Buffer.from('id,name', 'utf16le'), 'in UTF-16'],
    ['is compressed', gzipSync('id,name'), 'compressed with gzip'],
    ['begins like a binary format', orc(''), undefined],
    ['begins like a binary format, and has a zero byte', orc('\0'), 'an ORC file'],
    ['begins like a binary format, and is no UTF-8', orc(Buffer.of(0xff, 0x20)), 'an ORC file'],
    ['ends within a character of two bytes', orc(Buffer.from('ü').subarray(0, 1)), undefined],
    ['ends within a character of three bytes', orc(Buffer.from('€').subarray(0, 2)), undefined],
    ['ends within a character of four bytes', orc(Buffer.from('😀').subarray(0, 3)), undefined],
    ['ends with a whole character', orc('😀'), undefined],
    ['ends with more than one incomplete character', orc(Buffer.of(0x80, 0x80, 0x80, 0x80)), 'an ORC file'],
    ['is empty', Buffer.alloc(0), undefined],
  ])('%s', (_, head, expected) => {
    expect(binaryFormatOf(head)).toBe(expected);
  });
});
