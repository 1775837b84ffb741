import { describe, expect, test } from 'vitest';
import { boundaryOf, readMultipart } from '../../../local/openai/files/multipart.ts';

const BOUNDARY = 'x-boundary';

/** Parses a body that arrives in pieces of `size` bytes. Returns each part's name, file name and content. */
async function read(body: string | Buffer, size: number) {
  const bytes = Buffer.from(body);
  const pieces = async function* () {
    for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
  };
  const parts: { name: string; filename: string | null; content: string }[] = [];
  await readMultipart(pieces(), BOUNDARY, (head) => {
    const part = { ...head, content: '' };
    parts.push(part);
    return (piece) => {
      part.content += piece.toString('latin1');
    };
  });
  return parts;
}

const part = (head: string, content: string) =>
  `--${BOUNDARY}\r\nContent-Disposition: form-data; ${head}\r\n\r\n${content}\r\n`;
const LAST = `--${BOUNDARY}--\r\n`;

describe('a multipart body', () => {
  test('is parsed in the same way however it is cut into pieces', async () => {
    const trap = `\r\n--${BOUNDARY.slice(0, -1)}\r\n\r\n--`;
    const body = `preamble\r\n${part('name="purpose"', 'batch')}${part('name="empty"', '')}${part(
      'name="file"; filename="a.jsonl"\r\nContent-Type: application/jsonl',
      `one${trap}two\r\n`,
    )}${LAST}epilogue`;
    const expected = [
      { name: 'purpose', filename: null, content: 'batch' },
      { name: 'empty', filename: null, content: '' },
      { name: 'file', filename: 'a.jsonl', content: `one${trap}two\r\n` },
    ];
    for (let size = 1; size <= body.length; size++)
      expect(await read(body, size), `size ${size}`).toEqual(expected);
  });

  test('names are unescaped, as browsers and as curl escape them', async () => {
    const body =
      part('name="file"; filename="a%22b.jsonl"', '') + part('filename="a\\"b.jsonl"; name=file', '') + LAST;
    expect((await read(body, 50)).map(({ name, filename }) => [name, filename])).toEqual([
      ['file', 'a"b.jsonl'],
      ['file', 'a"b.jsonl'],
    ]);
  });

  test.each([
    ['that ends before its last boundary', part('name="file"', 'half of it')],
    ['without any boundary', 'nothing'],
    ['with a part that has no name', `--${BOUNDARY}\r\nContent-Type: text/plain\r\n\r\nx\r\n${LAST}`],
    ['with something else after a boundary', `--${BOUNDARY}!!\r\n\r\nx\r\n${LAST}`],
    ['with endless headers', `--${BOUNDARY}\r\nContent-Disposition: ${'x'.repeat(20_000)}\r\n\r\n${LAST}`],
  ])('%s is rejected', async (_, body) => {
    for (const size of [7, 1_000_000]) await expect(read(body, size)).rejects.toMatchObject({ status: 400 });
  });

  test('its boundary is in the content type, quoted or not', () => {
    expect(boundaryOf('multipart/form-data; boundary=abc')).toBe('abc');
    expect(boundaryOf('Multipart/Form-Data; charset=utf-8; boundary="a b"')).toBe('a b');
    expect(() => boundaryOf('application/json')).toThrow(/multipart/);
    expect(() => boundaryOf(undefined)).toThrow(/multipart/);
  });
});
