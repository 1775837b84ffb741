import { describe, expect, it } from 'vitest';
import { type Line, LineReader } from '../../../functions/shared/part-rows/lines.ts';
import { LineScanner } from '../../../functions/shared/scanner/line-scanner.ts';
import { type LineShape, REQUEST_LINE, RESULT_LINE } from '../../../functions/shared/scanner/line-shapes.ts';
import { KIND, type ScannedLine } from '../../../functions/shared/scanner/scanned-line.ts';
import { scannerBytes } from '../../../functions/shared/scanner/scanner-bytes.ts';
import { scannerModule } from '../../../functions/shared/scanner/scanner-module.ts';
import { compareScans } from '../../fuzz/compare-scans.ts';

type Place = Pick<Line, 'number' | 'offset' | 'length' | 'start' | 'end'>;
type Options = { longest: number; offset?: number; linesBefore?: number };

const BOM = '\uFEFF';
const LARGE = { longest: 1_000_000 };
const clean = (id: string) => `{"custom_id":"${id}","response":{"status_code":200},"error":null}`;

function moduleHere(): WebAssembly.Module {
  const module = scannerModule();
  if (!module) throw new Error('this machine cannot run the scanner');
  return module;
}

/** Returns the positions of all lines and the numbers of overlong ones, as the scanner reports them. */
function scannedPlaces(chunks: readonly Uint8Array[], options: Options): (Place | number)[] {
  const places: (Place | number)[] = [];
  const scanner = new LineScanner(
    moduleHere(),
    RESULT_LINE,
    { scanned: (line) => places.push(placeOf(line)), overlong: (number) => places.push(number) },
    options,
  );
  for (const chunk of chunks) {
    const reused = Uint8Array.from(chunk);
    scanner.push(reused);
    reused.fill(0x22); // like a source that reads into one buffer
  }
  scanner.end();
  return places;
}

/** Returns the same from `LineReader`. */
function readPlaces(chunks: readonly Uint8Array[], options: Options): (Place | number)[] {
  const places: (Place | number)[] = [];
  const reader = new LineReader(
    { line: (line) => places.push(placeOf(line)), overlong: (number) => places.push(number) },
    options,
  );
  for (const chunk of chunks) reader.push(chunk);
  reader.end();
  return places;
}

const placeOf = ({ number, offset, length, start, end }: Place): Place => ({
  number,
  offset,
  length,
  start,
  end,
});

function inPieces(bytes: Buffer, of: number): Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / of) }, (_, at) =>
    bytes.subarray(at * of, (at + 1) * of),
  );
}

/** Returns what the scanner finds in a single line. */
function valuesIn<Name extends string>(
  line: string,
  shape: { paths: Record<Name, string>; repeated: readonly NoInfer<Name>[] },
): { isClean: boolean; found: Partial<Record<Name, string>> } {
  const found: Partial<Record<Name, string>> = {};
  let isClean = false;
  const scanner: LineScanner<Name> = new LineScanner(
    moduleHere(),
    shape,
    {
      scanned(scanned) {
        isClean = scanned.isClean;
        for (const [name, slot] of Object.entries<number>(scanner.slots))
          if (isClean && scanned.kind(slot) !== KIND.absent) found[name as Name] = shown(scanned, slot);
      },
      overlong() {},
    },
    LARGE,
  );
  scanner.push(Buffer.from(`${line}\n`));
  return { isClean, found };
}

function shown(line: ScannedLine, slot: number): string {
  const [kind] = Object.entries(KIND).find(([, number]) => number === line.kind(slot)) ?? ['?'];
  const hasCount = line.kind(slot) === KIND.integer || line.kind(slot) === KIND.array;
  return `${kind} ${hasCount ? line.count(slot) : line.text(slot)}`;
}

describe('the lines of a file', () => {
  const texts: [string, string][] = [
    ['plain lines', `${clean('a')}\n${clean('b')}\n`],
    ['no line end at the end', `${clean('a')}\n${clean('b')}`],
    ['a byte order mark, CRs and blank lines', `${BOM}\r\n \t\r\n${clean('a')}\r\n\n\r\r\n${clean('b')}\r`],
    ['a byte order mark before a row', `${BOM}${clean('a')}\r\n${BOM}${clean('b')}\n`],
    [
      'text, escapes and characters of several bytes',
      '{"custom_id":"é\\"語😀\\\\","error":"\\ud83d\\u00e9"}\r\n{"a":"語\n"}\n\nx',
    ],
    ['only blank lines', '\n \n\r\n\t'],
    ['nothing', ''],
  ];

  it.each(texts)('are the same wherever chunks end: %s', (_, text) => {
    const file = Buffer.from(text);
    const expected = readPlaces([file], LARGE);
    for (let cut = 0; cut <= file.length; cut += 1)
      expect(scannedPlaces([file.subarray(0, cut), file.subarray(cut)], LARGE), `cut at ${cut}`).toEqual(
        expected,
      );
    for (const size of [1, 2, 3, 7]) expect(scannedPlaces(inPieces(file, size), LARGE)).toEqual(expected);
  });

  it.each([0, 1, 5, 10, 40, 66, 67, 68, 69, 70])(
    'that are longer than %d bytes are overlong, and the others are unaffected',
    (longest) => {
      const lines = [
        '',
        ' '.repeat(longest + 4),
        ' '.repeat(longest + 5),
        'x'.repeat(longest),
        `${'x'.repeat(longest)}\r`,
      ];
      const text = `${[...lines, `${'x'.repeat(longest)}\r\r`, 'y'.repeat(200), clean('a'), clean('bcdefgh')].join('\n')}\nz`;
      for (const file of [
        Buffer.from(text),
        Buffer.from(BOM + text.slice(1)),
        Buffer.from(`${BOM}${text}`),
      ]) {
        const expected = readPlaces([file], { longest });
        expect(scannedPlaces([file], { longest })).toEqual(expected);
        for (const size of [1, 3, 50])
          expect(scannedPlaces(inPieces(file, size), { longest })).toEqual(expected);
      }
    },
  );

  it('may be more than one scan can hold, and longer than the memory', () => {
    const short = '{}\n'.repeat(5_000);
    const long = `{"custom_id":"${'x'.repeat(3_000_000)}","error":null}\n`;
    const file = Buffer.from(`${short}\n${long}${clean('a')}\n${long}${short}{}`);
    const expected = readPlaces([file], { longest: 4_000_000 });
    expect(expected.length).toBe(10_004);
    for (const size of [1_000, 65_536, 131_073, 1_500_000, file.length])
      expect(scannedPlaces(inPieces(file, size), { longest: 4_000_000 })).toEqual(expected);
  });

  it('continue where an earlier scan ended', () => {
    const file = Buffer.from(`${BOM}${clean('a')}\n\n${clean('b')}\r\n${clean('c')}`);
    const all = readPlaces([file], LARGE);
    for (let cut = 0; cut <= file.length; cut += 1) {
      const first = new LineScanner(moduleHere(), RESULT_LINE, { scanned() {}, overlong() {} }, LARGE);
      first.push(file.subarray(0, cut));
      const { offset, linesBefore } = first.next;
      const rest = scannedPlaces([file.subarray(offset)], { ...LARGE, offset, linesBefore });
      expect(rest).toEqual(all.slice(all.length - rest.length));
      expect(rest.length).toBeGreaterThan(0);
    }
  });
});

describe('a row of a request file', () => {
  it('has all requested values, in any order', () => {
    const { isClean, found } = valuesIn(
      '{"body":{"max_tokens":5,"prompt":null,"input":["a",[1,{"model":"no"}],{}],"messages":[],"model":"m \u00e9","max_output_tokens":-1,"stream":false},' +
        '"extra":{"custom_id":"no","body":{"model":"no"}},"url":"/v1/responses","method":"PO\\u0053T","custom_id":"r-1"}',
      REQUEST_LINE,
    );
    expect(isClean).toBe(true);
    expect(found).toEqual({
      customId: 'string r-1',
      method: 'escapedString PO\\u0053T',
      url: 'string /v1/responses',
      body: expect.stringMatching(/^object \{"max_tokens".*"stream":false\}$/),
      model: 'string m \u00e9',
      stream: 'false false',
      input: 'array 3',
      messages: 'array 0',
      prompt: 'null null',
      maxTokens: 'integer 5',
      maxOutputTokens: 'number -1',
    });
  });

  it.each([
    ['the same key twice', '{"custom_id":"a","custom_id":"b"}'],
    ['the same key twice below', '{"body":{"model":"a","model":"b"}}'],
    ['an object twice', '{"body":{"model":"a"},"body":{}}'],
    ['an escape in a key', '{"custom_i\\u0064":"a"}'],
    ['an escape in a key below', '{"body":{"x\\n":1}}'],
    ['no object', '["custom_id"]'],
    ['too deep', `{"a":${'['.repeat(1_025)}${']'.repeat(1_025)}}`],
    ['invalid UTF-8', Buffer.from('{"a":"\xff"}', 'latin1').toString('latin1')],
  ])('is left to JSON.parse: %s', (_, line) => {
    if (line.includes('\xff')) {
      const compared = compareScans(Buffer.from(line, 'latin1'), []);
      expect(compared).toMatchObject({ clean: 0, lines: 1, differences: [] });
    } else expect(valuesIn(line, REQUEST_LINE).isClean).toBe(false);
  });

  it.each([
    ['a repeated key that is not requested', '{"a":1,"a":2,"body":{"b":1,"b":2}}'],
    ['an escape in a key that is not requested', '{"a":{"\\n":1},"body":{"input":[{"\\u0062":1}]}}'],
    ['1,024 levels', `{"a":${'['.repeat(1_024)}${']'.repeat(1_024)}}`],
    ['white space everywhere', ' { "a" : [ 1 , { } , [ ] ] ,\t"b" : "" \r} '],
  ])('is clean in spite of %s', (_, line) => {
    expect(valuesIn(line, REQUEST_LINE).isClean).toBe(true);
  });
});

describe('a line of a result file', () => {
  it('has all requested values', () => {
    const usage =
      '{"prompt_tokens":1,"completion_tokens":22,"total_tokens":23,"input_tokens":4e0,"output_tokens":1234567890,"prompt_tokens_details":{"cached_tokens":7,"other":[1]}}';
    const body = `{"model":"gpt","usage":${usage},"choices":[{"message":{"content":"\\"x\\""}}]}`;
    const { found } = valuesIn(
      `{"id":"b","custom_id":"r","response":{"status_code":200,"body":${body}},"error":{"code":"x"}}`,
      RESULT_LINE,
    );
    expect(found).toEqual({
      customId: 'string r',
      statusCode: 'integer 200',
      model: 'string gpt',
      promptTokens: 'integer 1',
      completionTokens: 'integer 22',
      inputTokens: 'number 4e0',
      outputTokens: 'number 1234567890',
      promptCached: 'integer 7',
    });
  });
});

describe('a repeated value', () => {
  it.each([8, 9, 255, 256, 257, 1_000])(
    'of %d bytes belongs to its own line, whatever the previous lines contain',
    (bytes) => {
      const models = ['a', 'b'].map((letter) => letter.repeat(bytes));
      const [a, b] = models;
      const line = (model: string, more = '') => `{"body":{"model":${model}}${more}}`;
      const file = [
        line(`"${a}"`),
        line(`"${a}"`),
        line(`"${b}"`),
        line(`"${a}"`, 'x'),
        line(`"${b}"`),
        line('1'),
        line(`"${a}"`),
      ];
      const found: (string | undefined)[] = [];
      const scanner = new LineScanner(
        moduleHere(),
        REQUEST_LINE,
        {
          scanned: (scanned) => {
            const { model } = scanner.slots;
            const isText = scanned.isClean && scanned.kind(model) === KIND.string;
            found.push(isText ? scanned.repeatedText(model) : undefined);
          },
          overlong() {},
        },
        LARGE,
      );
      scanner.push(Buffer.from(`${file.join('\n')}\n`));
      expect(found).toEqual([a, a, b, undefined, b, undefined, a]);
    },
  );
});

it('a file in chunks that end at any byte gets the same results as in one chunk', () => {
  const file = Buffer.from(
    `${BOM}{"custom_id":"é\u2028","method":"POST","url":"/v1/embeddings","body":{"model":"😀","input":[[1],[2]]}}\r\n` +
      '{"custom_id":"\\ud800","method":"POST"}\n \n{"custom_id":"r","method":"POST","url":"/v1/responses","body":{"model":"m","x":"\\\\\\""}}',
  );
  for (let cut = 0; cut <= file.length; cut += 1) {
    const { differences, lines, fast } = compareScans(file, [cut]);
    expect({ differences, lines, fast }).toEqual({ differences: [], lines: 3, fast: 2 });
  }
});

it.each([
  ['as many arrays and objects as a row may have', 0, 1],
  ['one more', 1, 0],
])('a row of %s gets the same result as without the scanner', (_, more, fast) => {
  const openings = 1_000_000 + more - 2; // of the row and its body; those within strings count
  const value = `"${'[{'.repeat(openings / 2)}${openings % 2 === 0 ? '' : '{'}"`;
  const row = `{"custom_id":"r","method":"POST","url":"/v1/responses","body":{"model":"m","value":${value}}}`;
  expect(compareScans(Buffer.from(row), [], 4_000_000)).toMatchObject({ lines: 1, fast, differences: [] });
});

describe('the memory of a scanner that has ended', () => {
  const requests = Buffer.from(
    '{"custom_id":"a","method":"POST","url":"/v1/responses","body":{"model":"m","max_output_tokens":7}}\n'.repeat(
      3,
    ),
  );
  const results = Buffer.from(`${clean('a')}\n${clean('b')}\nno JSON\n${clean('b')}`);

  /** Returns all that a scanner says of a file, and the memory that it used. */
  function scan(
    module: WebAssembly.Module,
    { chunks, shape }: { chunks: Uint8Array[]; shape: LineShape<string> },
  ) {
    const seen: unknown[] = [];
    let memory: ArrayBufferLike | undefined;
    const scanner = new LineScanner<string>(
      module,
      shape,
      {
        scanned: (line) => {
          memory = line.memory.buffer;
          const found = Object.values(scanner.slots).filter((slot) => line.kind(slot) !== KIND.absent);
          const slots = found.map((slot) => [slot, line.kind(slot), line.startOf(slot), line.endOf(slot)]);
          seen.push({ ...placeOf(line), isClean: line.isClean, hasChanged: line.hasChanged, slots });
        },
        overlong: (number) => seen.push(number),
      },
      { longest: 20_000_000, digest: true },
    );
    for (const chunk of chunks) scanner.push(chunk);
    scanner.end();
    seen.push(Buffer.from(scanner.digest()).toString('hex'));
    expect(() => scanner.push(results)).toThrow('the file has ended');
    return { seen, memory };
  }

  it('serves the next scanner, which finds what a new one would', () => {
    const shared = new WebAssembly.Module(scannerBytes());
    const files = [
      { chunks: [results], shape: RESULT_LINE },
      { chunks: inPieces(requests, 7), shape: REQUEST_LINE },
      { chunks: [results.subarray(0, 30)], shape: RESULT_LINE },
      { chunks: inPieces(results, 5), shape: RESULT_LINE },
      { chunks: [requests], shape: { paths: { id: 'custom_id' }, repeated: [] } },
      { chunks: [requests], shape: REQUEST_LINE },
    ];
    const memories = new Set<unknown>();
    for (const file of files) {
      const { seen, memory } = scan(shared, file);
      expect(seen).toEqual(scan(new WebAssembly.Module(scannerBytes()), file).seen);
      expect(seen.length).toBeGreaterThan(1);
      memories.add(memory);
    }
    expect(memories.size).toBe(1);
  });

  it('serves nobody while another scanner uses it, or after it has grown for a long line', () => {
    const shared = new WebAssembly.Module(scannerBytes());
    const memories = new Set<unknown>();
    const handler = (next: () => void) => ({
      scanned: (line: ScannedLine) => {
        memories.add(line.memory.buffer);
        next();
      },
      overlong() {},
    });
    const within = () => {
      const inner = new LineScanner(
        shared,
        RESULT_LINE,
        handler(() => {}),
        LARGE,
      );
      inner.push(results);
      inner.end();
    };
    const outer = new LineScanner(shared, RESULT_LINE, handler(within), LARGE);
    outer.push(results);
    outer.end();
    outer.end(); // twice is once
    expect(memories.size).toBe(2);
    const long = Buffer.from(`{"custom_id":"${'x'.repeat(16_000_000)}"}\n`);
    const { memory } = scan(shared, { chunks: [long], shape: RESULT_LINE });
    expect(memory?.byteLength).toBeGreaterThan(long.length);
    const next = scan(shared, { chunks: [results], shape: RESULT_LINE });
    expect(next.memory === memory).toBe(false); // a failure must not print megabytes
  });
});

describe('the digest of a file', () => {
  const file = Buffer.from(
    `${clean('a')}\n${'{"custom_id":"b"}\n'.repeat(3)}\n${BOM}no JSON\r\n${clean('c')}`,
  );
  const digestOf = (chunks: readonly Uint8Array[]): string => {
    const handler = { scanned() {}, overlong() {} };
    const scanner = new LineScanner(moduleHere(), RESULT_LINE, handler, { ...LARGE, digest: true });
    for (const chunk of chunks) scanner.push(chunk);
    scanner.end();
    return Buffer.from(scanner.digest()).toString('hex');
  };

  it('is the same wherever its chunks end', () => {
    const whole = digestOf([file]);
    expect(whole).toMatch(/^[0-9a-f]{128}$/);
    for (let size = 1; size < file.length; size += 1) expect(digestOf(inPieces(file, size))).toBe(whole);
    for (let cut = 0; cut <= file.length; cut += 1)
      expect(digestOf([file.subarray(0, cut), file.subarray(cut)])).toBe(whole);
  });

  it('differs if one bit or byte is changed, if lines are swapped, or if the file is truncated', () => {
    const changed = new Map([[digestOf([file]), 'none']]);
    const add = (bytes: Buffer, what: string) => {
      const digest = digestOf([bytes]);
      expect(changed.get(digest), what).toBeUndefined();
      changed.set(digest, what);
    };
    for (let at = 0; at < file.length; at += 1) {
      for (const bits of [1, 128]) {
        const other = Buffer.from(file);
        other[at] = (other[at] ?? 0) ^ bits;
        add(other, `byte ${at} ^ ${bits}`);
      }
      if (at > 0) add(file.subarray(0, at), `cut at ${at}`);
    }
    const lines = file.toString().split('\n');
    add(Buffer.from(lines.toReversed().join('\n')), 'reversed');
  });
});
