import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { openTable } from '../../../bin/data/tables/open-table.ts';
import { Failure } from '../../../bin/terminal/failure.ts';
import { cellsOf, DataFolder, rowsOf } from './data-files.ts';

const folder = new DataFolder();
afterAll(() => folder.discard());

const refusal = async (name: string, content: string | Uint8Array, wanted = ['a'], options = {}) => {
  const failure = await rowsOf(folder.write(name, content), wanted, options).catch((error: unknown) => error);
  if (!(failure instanceof Failure)) throw new Error(`${name} was read: ${JSON.stringify(failure)}`);
  return failure.message;
};

describe('a CSV file', () => {
  it('may have a byte order mark, CRLF, quotes, and line feeds in values', async () => {
    const path = folder.write('excel.csv', '\ufeffid,text\r\n1,"He said ""hi"",\r\nand left"\r\n2,plain\r\n');
    expect(await rowsOf(path, ['text', 'id'])).toEqual([
      [2, ['He said "hi",\r\nand left', '1']],
      [4, ['plain', '2']],
    ]);
  });

  it('may end without a line end, and contain blank lines, which are no rows', async () => {
    expect(await rowsOf(folder.write('open.csv', 'a,b\n\n1,2\r\n\r\n\n3,"4"'), ['b'])).toEqual([
      [3, ['2']],
      [6, ['4']],
    ]);
  });

  it('keeps values as they are written: leading zeros, spaces, quotes in the middle, empty ones', async () => {
    const path = folder.write('raw.csv', 'a,b,c,d\n007, x ,5" screen,\n"",,"",""""\n');
    expect(await rowsOf(path, ['a', 'b', 'c', 'd'])).toEqual([
      [2, ['007', ' x ', '5" screen', '']],
      [3, ['', '', '', '"']],
    ]);
  });

  it('has columns without the spaces around their names', async () => {
    expect(await rowsOf(folder.write('spaces.csv', 'id, text ,"é "\n1, x,y\n'), ['text', 'é'])).toEqual([
      [2, [' x', 'y']],
    ]);
  });

  it('with one column has a row for a quoted empty value', async () => {
    expect(await rowsOf(folder.write('one.csv', 'a\n""\nx\n'), ['a'])).toEqual([
      [2, ['']],
      [3, ['x']],
    ]);
  });

  it('names each ragged row with its line, and goes on', async () => {
    expect(await rowsOf(folder.write('ragged.csv', 'a,b\n1\n"2\n",3\n4,5,6\n7,8\n'), ['a'])).toEqual([
      [2, 'the row has 1 value for 2 columns'],
      [3, ['2\n']],
      [5, 'the row has 3 values for 2 columns'],
      [6, ['7']],
    ]);
  });

  it("has the delimiter of Excel's first line, of its extension, or of the user", async () => {
    const semicolons = 'sep=;\r\na;b\r\n1,5;2\r\n';
    expect(await rowsOf(folder.write('sep.csv', semicolons), ['a'])).toEqual([[3, ['1,5']]]);
    expect(await rowsOf(folder.write('tabs.TSV', 'a\tb\n1,5\t2\n'), ['a'])).toEqual([[2, ['1,5']]]);
    expect(await rowsOf(folder.write('given.csv', 'a|b\n1|2\n'), ['b'], { delimiter: '|' })).toEqual([
      [2, ['2']],
    ]);
  });

  it('may use quotes as ordinary characters, if the user says so', async () => {
    const path = folder.write('amazon.tsv', 'a\tb\n"Great" product\t"\n');
    expect(await rowsOf(path, ['a', 'b'], { quotes: false })).toEqual([[2, ['"Great" product', '"']]]);
    expect(await refusal('amazon2.tsv', 'a\tb\n"Great" product\t"\n')).toMatch(
      /^amazon2\.tsv:2: value 1 has text after its closing quote\. .*--no-quotes$/,
    );
  });

  it('alone has a delimiter and quotes: with another format, these options are refused', async () => {
    expect(await refusal('rows.jsonl', '{"a":1}', ['a'], { delimiter: ';' })).toBe(
      '--delimiter is for CSV and TSV, but rows.jsonl is JSON Lines. Leave it out, or add --from csv.',
    );
    expect(await refusal('rows.parquet', 'PAR1', ['a'], { quotes: false })).toMatch(
      /^--no-quotes is for CSV/,
    );
  });

  it('is refused with the line of a quote that is never closed', async () => {
    expect(await refusal('open-quote.csv', 'a,b\n1,2\n3,"4\n5,6\n')).toMatch(
      /^open-quote\.csv:3: .*not closed/,
    );
  });

  it('is refused if it is empty, or its lines end with CR alone', async () => {
    expect(await refusal('empty.csv', '')).toMatch(/^empty\.csv is empty/);
    expect(await refusal('blank.csv', '\n\n')).toMatch(/^blank\.csv is empty/);
    expect(await refusal('mac.csv', 'a,b\r1,2\r')).toMatch(/CR alone/);
  });

  it('is read in pieces: values longer than a piece, and pieces that cut characters and CRLF', async () => {
    const long = 'é"\n'.repeat(200_000);
    const rows = Array.from({ length: 5_000 }, (_, at) => `${at},ü${'x'.repeat(at % 97)}\r\n`).join('');
    const path = folder.write('long.csv', `a,b\r\n"${long.replaceAll('"', '""')}",1\r\n${rows}`);
    const read = await rowsOf(path, ['a', 'b']);
    expect(read).toHaveLength(5_001);
    expect(read[0]).toEqual([2, [long, '1']]);
    expect(read.at(-1)).toEqual([200_002 + 5_000, ['4999', `ü${'x'.repeat(4_999 % 97)}`]]);
  });
});

describe('a file that is not text in UTF-8', () => {
  it('is refused with the first line that is not', async () => {
    const latin1 = Buffer.from(`a,b\n${'1,2\n'.repeat(100_000)}caf\xe9,3\n`, 'latin1');
    expect(await refusal('latin1.csv', latin1)).toMatch(
      /^latin1\.csv:100002: the line is not valid UTF-8\. .*iconv/,
    );
    expect(await refusal('cut.csv', Buffer.from([0x61, 0x0a, 0xc3]))).toMatch(/^cut\.csv:2: /);
  });

  it.each([
    [
      'reviews.csv',
      gzipSync('a,b\n1,2\n'),
      'reviews.csv is compressed with gzip, not CSV in UTF-8. Decompress it first.',
    ],
    [
      'book.xlsx',
      Buffer.from('PK\x03\x04\0\0'),
      'book.xlsx is a ZIP archive, not CSV in UTF-8. Decompress it. From Excel',
    ],
    [
      'wide.csv',
      Buffer.from('\ufeffa,b\n1,2\n', 'utf16le'),
      'wide.csv is in UTF-16, not CSV in UTF-8. Save it as UTF-8.',
    ],
    [
      'rows.jsonl',
      Buffer.from('PAR1\0\0PAR1'),
      'rows.jsonl is a Parquet file, not JSON Lines in UTF-8. Add --from',
    ],
  ])('%s is refused as what it is', async (name, content, message) => {
    const format = name.endsWith('.xlsx') ? { format: 'csv' } : {};
    expect(await refusal(name, content, ['a'], format)).toContain(message);
  });

  it('may begin like a binary format, if it is text', async () => {
    const path = folder.write('orc.csv', `ORCID,PAR1\n${'é'.repeat(3_000)},2\n`);
    expect(await rowsOf(path, ['PAR1'])).toEqual([[2, ['2']]]);
  });

  it('is refused if nobody says its format', async () => {
    await expect(openTable({ path: folder.write('data.txt', 'a\n'), file: 'data.txt' })).rejects.toThrow(
      'The format of data.txt is unknown. Add --from',
    );
    await expect(openTable({ path: folder.path, file: 'dir.csv' })).rejects.toThrow('is a directory');
    await expect(openTable({ path: '/dev/null', file: 'null.csv' })).rejects.toThrow('is not a regular file');
    await expect(openTable({ path: '/none.csv', file: 'none.csv' })).rejects.toThrow(
      'none.csv cannot be read',
    );
  });
});

describe('a JSON Lines file', () => {
  it('has values of every kind, with every digit', async () => {
    const lines = [
      '\ufeff{"a":"text","b":12345678901234567890}\r',
      '',
      '{"b": 1.0 , "a":null}',
      '{"a":{"x":[1.50,"}]\\"",{}]},"b":true,"a":{"x":[2.50]}}',
      '{"b":1e400,"\\u0061":-7,"c":"\\\\"}',
    ];
    expect(await cellsOf(folder.write('rows.jsonl', lines.join('\n')), ['a', 'b'])).toEqual([
      [1, ['text', { json: '12345678901234567890' }]],
      [3, [null, { json: '1.0' }]],
      [4, [{ json: '{"x":[2.50]}' }, { json: 'true' }]],
      [5, [{ json: '-7' }, { json: '1e400' }]],
    ]);
  });

  it('names each row that is no object or lacks a column', async () => {
    const content = '[1]\n{"a":\n{"A":1,"b":2}\n{"a":"x","__proto__":"own"}\n';
    expect(await rowsOf(folder.write('bad.ndjson', content), ['a'])).toEqual([
      [1, 'the line is not a JSON object'],
      [2, 'the line is not JSON'],
      [3, 'the row has no column "a". Its columns are "A", "b".'],
      [4, ['x']],
    ]);
    expect(await rowsOf(folder.write('proto.jsonl', content), ['__proto__', 'constructor'])).toMatchObject([
      {},
      {},
      {},
      [4, 'the row has no column "constructor". Its columns are "a", "__proto__".'],
    ]);
  });
});
