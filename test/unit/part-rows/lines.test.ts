import { describe, expect, it } from 'vitest';
import {
  type LineHandler,
  LineReader,
  normalised,
  uploadLength,
} from '../../../functions/shared/part-rows/lines.ts';

interface Read {
  lines: { number: number; text: string; offset: number; start: number; end: number; upload: number }[];
  overlong: number[];
}

function read(chunks: Uint8Array[], options: { longest?: number; offset?: number } = {}): Read {
  const seen: Read = { lines: [], overlong: [] };
  const handler: LineHandler = {
    line: (line) => {
      const { number, bytes, offset, start, end } = line;
      seen.lines.push({
        number,
        text: Buffer.from(bytes).toString(),
        offset,
        start,
        end,
        upload: uploadLength(line),
      });
    },
    overlong: (number) => void seen.overlong.push(number),
  };
  const reader = new LineReader(handler, { longest: 1000, ...options });
  for (const chunk of chunks) {
    reader.push(chunk);
    chunk.fill(0); // the source reuses its chunk
  }
  reader.end();
  return seen;
}

const texts = (text: string, options?: { longest?: number; offset?: number }) =>
  read([Buffer.from(text)], options).lines.map((line) => line.text);

const BOM = '\uFEFF';

describe('lines', () => {
  it.each([
    ['end with a line feed', 'a\nb\n', ['a', 'b']],
    ['the last one may lack a line feed', 'a\nb', ['a', 'b']],
    ['may end with CR LF', 'a\r\nb\r\n', ['a', 'b']],
    ['only one CR is removed', 'a\r\r\n', ['a\r']],
    ['a CR at the end of the file is removed', 'a\r', ['a']],
    ['a CR within a line remains', 'a\rb\n', ['a\rb']],
    ['that are empty are skipped', '\n\na\n\n', ['a']],
    ['of spaces, tabs and CRs are skipped', ' \t\r\n\t\n \r \r\na\n   ', ['a']],
    ['keep their own spaces', '  a \n', ['  a ']],
    ['a byte order mark at the start of the file is removed', `${BOM}a\n${BOM}b\n`, ['a', `${BOM}b`]],
    ['only one byte order mark is removed', `${BOM}${BOM}a\n`, [`${BOM}a`]],
    ['a byte order mark alone is not a line', BOM, []],
    ['a byte order mark with a line end is not a line', `${BOM}\r\na`, ['a']],
    ['a form feed is a line', '\f\n', ['\f']],
    ['an empty file has none', '', []],
  ])('%s', (_, text, expected) => {
    expect(texts(text)).toEqual(expected);
  });

  it('lose a byte order mark only at offset 0', () => {
    expect(texts(`${BOM}a\n`, { offset: 5 })).toEqual([`${BOM}a`]);
  });

  it('keep the numbers and offsets of the file, including blank lines', () => {
    expect(read([Buffer.from(`${BOM}a\r\n\n \nbc\nd`)]).lines).toEqual([
      { number: 1, text: 'a', offset: 3, start: 0, end: 6, upload: 2 },
      { number: 4, text: 'bc', offset: 9, start: 9, end: 12, upload: 3 },
      { number: 5, text: 'd', offset: 12, start: 12, end: 13, upload: 2 },
    ]);
    expect(read([Buffer.from('a\nb')], { offset: 100 }).lines).toMatchObject([
      { offset: 100, start: 100, end: 102 },
      { offset: 102, start: 102, end: 103 },
    ]);
  });

  it('are the same wherever the chunks end', () => {
    const text = Buffer.from(`${BOM}ä\r\n\r\n€uro\n \nlast\r`);
    const whole = read([Buffer.from(text)]);
    expect(whole.lines).toHaveLength(3);
    for (let first = 0; first <= text.length; first += 1) {
      for (let second = first; second <= text.length; second += 1) {
        const cut = [text.subarray(0, first), text.subarray(first, second), text.subarray(second)];
        expect(read(cut.map((piece) => Buffer.from(piece)))).toEqual(whole);
      }
    }
    expect(read([...text].map((byte) => Uint8Array.of(byte)))).toEqual(whole);
  });
});

describe('the length of a line', () => {
  it.each([
    ['as long as allowed', 'aaaa\n', ['aaaa'], []],
    ['one byte longer', 'aaaaa\nb\n', ['b'], [1]],
    ['as long as allowed, plus byte order mark and CR', `${BOM}aaaa\r\n`, ['aaaa'], []],
    ['one byte longer, plus byte order mark and CR', `${BOM}aaaaa\r\nb`, ['b'], [1]],
    ['far longer, at the end of the file', `a\n${'b'.repeat(99)}`, ['a'], [2]],
  ])('%s', (_, text, expected, overlong) => {
    for (const size of [1, 3, 1000]) {
      const bytes = Buffer.from(text);
      const chunks: Buffer[] = [];
      for (let from = 0; from < bytes.length; from += size)
        chunks.push(Buffer.from(bytes.subarray(from, from + size)));
      const seen = read(chunks, { longest: 4 });
      expect(seen.lines.map((line) => line.text)).toEqual(expected);
      expect(seen.overlong).toEqual(overlong);
    }
  });
});

describe('the upload', () => {
  const uploaded = async (chunks: string[], options = { longest: 1000, offset: 0 }) => {
    async function* source() {
      for (const chunk of chunks) yield Buffer.from(chunk);
    }
    const pieces: Uint8Array[] = [];
    for await (const piece of normalised(source(), options)) pieces.push(piece);
    return Buffer.concat(pieces).toString();
  };

  it('is each line with one line feed', async () => {
    expect(await uploaded([`${BOM}a`, '\r\n\n', '  \nb'])).toBe('a\nb\n');
    expect(await uploaded([])).toBe('');
  });

  it('is the same wherever the chunks end and wherever normalisation begins', async () => {
    const files = [
      'a\nbc\n',
      'a\nbc',
      'ab\r\nc\r\n',
      'a\n\nb',
      'a \n \t\nb\n',
      'a\n  b',
      `${BOM}a\nb`,
      'a\r',
      'a\n\r',
      '',
    ];
    for (const file of [
      ...files,
      ...files.map((more) => `12\n345\n${more}`),
      ...files.map((more) => `12${more}`),
    ]) {
      const rows = file
        .replace(BOM, '')
        .split('\n')
        .map((line) => line.replace(/\r$/, ''));
      const expected = rows.filter((row) => /[^ \t\r]/.test(row)).map((row) => `${row}\n`);
      const start = file.startsWith(BOM) || !file.includes(BOM) ? 0 : 5;
      for (let first = 0; first <= file.length; first += 1) {
        for (let second = first; second <= file.length; second += 1) {
          const cut = [file.slice(0, first), file.slice(first, second), file.slice(second)];
          const whole =
            start === 0 ? expected.join('') : await uploaded([file], { longest: 1000, offset: 5 });
          expect(await uploaded(cut, { longest: 1000, offset: start })).toBe(whole);
        }
      }
    }
  });

  it('is not changed by bytes that are gathered after it was yielded', async () => {
    const lines = Array.from({ length: 3000 }, (_, index) => `${index}-${'x'.repeat(100)}`);
    expect(await uploaded(lines.map((line) => `${line}\r\n`))).toBe(
      lines.map((line) => `${line}\n`).join(''),
    );
  });

  it('includes a line larger than the gathering buffer', async () => {
    const long = 'y'.repeat(500_000);
    expect(await uploaded(['a\n', long, '\nb\n'], { longest: 1_000_000, offset: 0 })).toBe(`a\n${long}\nb\n`);
  });

  it('throws for a line longer than a row may be', async () => {
    await expect(uploaded(['abcde\n'], { longest: 4, offset: 0 })).rejects.toThrow('longer');
    await expect(uploaded(['ab', 'cde\n'], { longest: 4, offset: 0 })).rejects.toThrow('longer');
    await expect(uploaded(['a\nbcdef'], { longest: 4, offset: 0 })).rejects.toThrow('longer');
  });
});
