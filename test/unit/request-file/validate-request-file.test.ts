import { describe, expect, it } from 'vitest';
import { FILE_LIMITS, PART_LIMITS } from '../../../functions/shared/contract/request-file.ts';
import { RowTable } from '../../../functions/shared/part-rows/row-table.ts';
import {
  type CheckedFile,
  FINDINGS_KEPT,
  RequestFileScan,
} from '../../../functions/shared/request-file/request-file-scan.ts';
import {
  completeScan,
  continueScan,
  validateRequestFile,
} from '../../../functions/shared/request-file/validate-request-file.ts';
import { createInMemoryRowTables } from '../../fakes/in-memory-row-tables.ts';
import { fileOf, row } from '../small-world.ts';
import { COLLIDING } from './colliding-ids.ts';

type Source = () => Iterable<string | Uint8Array>;

/** Returns a scan that has read this many valid rows, made from a saved scan whose count is changed. */
async function scanAfter(rows: number): Promise<RequestFileScan> {
  const saved = Buffer.concat([...RequestFileScan.begun({}).saved()]);
  const end = 4 + saved.readUInt32LE(0);
  const facts = Buffer.from(JSON.stringify({ ...JSON.parse(saved.toString('utf8', 4, end)), rows }));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(facts.length);
  async function* chunks() {
    yield Buffer.concat([length, facts, saved.subarray(end)]);
  }
  return RequestFileScan.restored(chunks());
}

/** Validates the chunks of the source. */
function check(source: Source | string, tables = createInMemoryRowTables()): Promise<CheckedFile> {
  return validateRequestFile(async function* () {
    for (const chunk of typeof source === 'string' ? [source] : source()) yield Buffer.from(chunk);
  }, tables);
}

async function findings(source: Source | string) {
  const checked = await check(source);
  return checked.verdict === 'bad' ? checked.findings.map(({ line, code }) => [line, code]) : [];
}

async function plan(source: Source | string) {
  const checked = await check(source);
  if (checked.verdict === 'bad') throw new Error(JSON.stringify(checked.findings.slice(0, 3)));
  return checked;
}

function* rows(count: number, from = 0): Generator<string> {
  for (let at = from; at < from + count; at += 1) yield `${row(`r${at}`)}\n`;
}

describe('a valid file', () => {
  it('becomes one part with exact ranges and lengths', async () => {
    const first = row('a');
    const second = row('b');
    const text = `\uFEFF${first}\r\n\n  \n${second}`;
    expect(await plan(text)).toEqual({
      verdict: 'good',
      rows: 2,
      groups: 1,
      parts: [
        {
          number: 1,
          endpoint: '/v1/chat/completions',
          model: 'gpt-4o-mini',
          range: { start: 0, end: Buffer.byteLength(text) },
          rows: 2,
          uploadBytes: first.length + second.length + 2,
          output: { tokens: 0, largest: 0, unboundedRows: 2 },
        },
      ],
    });
  });

  it('has adjacent parts, and the blank lines between them belong to no part', async () => {
    const { parts } = await plan(function* () {
      yield* rows(50_000);
      yield '\n \n';
      yield* rows(2, 50_000);
    });
    const [first, second] = parts;
    expect(second?.range.start).toBe((first?.range.end ?? 0) + 3);
    expect(first?.uploadBytes).toBe(first?.range.end);
  });

  it('of exactly 200,000,000 bytes becomes one part; with one more byte, two', {
    timeout: 120_000,
  }, async () => {
    const MEGABYTE = 1_000_000;
    const count = PART_LIMITS.bytes / MEGABYTE;
    function* megabytes(lastOne: number): Generator<string> {
      for (let at = 1; at <= count; at += 1) {
        const empty = row(`r${at}`, { body: { model: 'm', messages: [], x: '' } });
        const bytes = MEGABYTE - 1 - empty.length + (at === count ? lastOne : 0);
        yield row(`r${at}`, { body: { model: 'm', messages: [], x: 'x'.repeat(bytes) } });
        yield '\r\n'; // the CR is not uploaded
      }
    }
    const exact = (await plan(() => megabytes(0))).parts;
    expect(exact.map(({ uploadBytes }) => uploadBytes)).toEqual([200_000_000]);
    const over = (await plan(() => megabytes(1))).parts;
    expect(over.map(({ uploadBytes }) => uploadBytes)).toEqual([199_000_000, 1_000_001]);
  });

  it('has at most 50,000 embedding inputs per part', async () => {
    const embeddings = (customId: string, inputs: number) => {
      const input = Array.from({ length: inputs }, () => 'x');
      return `${row(customId, { url: '/v1/embeddings', body: { model: 'm', input } })}\n`;
    };
    const rowsOf = async (...inputs: number[]) =>
      (await plan(inputs.map((count, at) => embeddings(`r${at}`, count)).join(''))).parts.map((p) => p.rows);
    expect(await rowsOf(30_000, 20_000)).toEqual([2]);
    expect(await rowsOf(30_000, 20_001)).toEqual([1, 1]);
    expect(await rowsOf(1, 50_000, 1)).toEqual([1, 1, 1]);
    expect(await findings(embeddings('big', 50_001))).toEqual([[1, 'too_many_inputs']]);
  });
});

/** A line with a row for this model. */
const of = (model: string, customId: string, differences: object = {}) =>
  `${row(customId, { body: { model, messages: [] }, ...differences })}\n`;

describe('a file for several models and endpoints', () => {
  it('becomes one part per url and model, numbered by their first rows', async () => {
    const url = '/v1/responses';
    const text = [
      ...[of('m', 'a'), of('n', 'b'), of('n', 'c', { url }), of('m', 'd'), of('n', 'e', { url })],
    ].join('');
    const { groups, parts } = await plan(text);
    expect(groups).toBe(3);
    expect(parts.map(({ number, endpoint, model, rows }) => [number, endpoint, model, rows])).toEqual([
      [1, '/v1/chat/completions', 'm', 2],
      [2, '/v1/chat/completions', 'n', 1],
      [3, url, 'n', 2],
    ]);
    expect(parts.map(({ range }) => text.slice(range.start, range.end).split('\n').length - 1)).toEqual([
      4, 1, 3,
    ]);
    expect(parts.map((part) => part.interleaved)).toEqual([true, undefined, true]);
  });

  it('whose models follow one another has no interleaved part', async () => {
    const { parts } = await plan(`${of('m', 'a')}${of('m', 'b')}\n\n${of('n', 'c')}`);
    expect(parts.map((part) => [part.rows, part.interleaved])).toEqual([
      [2, undefined],
      [1, undefined],
    ]);
  });

  it('begins a second part of a model when the first is full, numbered after those of other models', async () => {
    const input = Array.from({ length: 30_000 }, () => 'x');
    const large = (model: string, customId: string) =>
      `${row(customId, { url: '/v1/embeddings', body: { model, input } })}\n`;
    const { groups, parts } = await plan(large('m', 'a') + large('n', 'b') + large('m', 'c'));
    expect(groups).toBe(2);
    expect(parts.map(({ model, rows, interleaved }) => [model, rows, interleaved])).toEqual([
      ['m', 1, undefined],
      ['n', 1, undefined],
      ['m', 1, undefined],
    ]);
  });

  it('with 100 pairs of url and model is planned, and one with another pair is refused and read no further', async () => {
    const models = (count: number) =>
      Array.from({ length: count }, (_, at) => of(`m${at}`, `r${at}`)).join('');
    expect((await plan(models(100))).groups).toBe(100);
    const checked = await check(`${models(101)}not json\n`);
    expect(checked).toMatchObject({
      verdict: 'bad',
      count: 1,
      findings: [
        { line: null, code: 'too_many_groups', message: expect.stringContaining('line 101 has one more;') },
      ],
    });
  });

  it('has one row table per part, with the number and position of each row, also after a byte order mark', async () => {
    const text = `\uFEFF${of('m', 'ä')}\r\n${of('n', 'b')}${of('m', 'c')}`;
    const { tables, ...kept } = createInMemoryRowTables();
    await check(text, { tables, ...kept });
    const file = Buffer.from(text);
    const read = [1, 2].map((part) => {
      const table = new RowTable(tables.get(part) ?? Buffer.of());
      return Array.from({ length: table.rows }, (_, index) => {
        const { ordinal, offset, length } = table.place(index);
        const { custom_id: customId } = JSON.parse(file.subarray(offset, offset + length).toString());
        expect(table.customId(index)).toBe(customId);
        return [ordinal, customId];
      });
    });
    expect(read).toEqual([
      [
        [0, 'ä'],
        [2, 'c'],
      ],
      [[1, 'b']],
    ]);
  });
});

describe('an invalid file', () => {
  it('has findings with line numbers that count blank lines', async () => {
    const text = `${row('a')}\n\nnot json\n${row('b', { method: 'GET' })}\n${row('a')}\n`;
    expect(await findings(text)).toEqual([
      [3, 'invalid_json'],
      [4, 'invalid_method'],
      [5, 'duplicate_custom_id'],
    ]);
  });

  it('has duplicates far apart, each reported with its first line', async () => {
    const checked = await check(function* () {
      yield* rows(70_000);
      yield `${row('r3')}\n\n${row('r69999')}\n${row('r3')}\n`;
    });
    expect(checked).toEqual({
      verdict: 'bad',
      count: 3,
      findings: [
        { line: 70_001, code: 'duplicate_custom_id', message: expect.stringMatching(/line 4$/) },
        { line: 70_003, code: 'duplicate_custom_id', message: expect.stringMatching(/line 70000$/) },
        { line: 70_004, code: 'duplicate_custom_id', message: expect.stringMatching(/line 4$/) },
      ],
    });
  });

  it('uses one id 20,000 times: the first duplicates are reported, all are counted', async () => {
    const checked = await check(function* () {
      for (let at = 0; at < 20_000; at += 1) yield `${row('same')}\n`;
    });
    expect(checked).toMatchObject({ verdict: 'bad', count: 19_999 });
    expect(checked.verdict === 'bad' && checked.findings[999]?.line).toBe(1_001);
  });

  it('has no duplicate when only the hashes of two ids are equal', async () => {
    const text = fileOf('x', COLLIDING[0], 'y', COLLIDING[1]);
    expect((await plan(text)).rows).toBe(4);
    expect(await findings(`${text}${row(COLLIDING[1])}\n`)).toEqual([[5, 'duplicate_custom_id']]);
  });

  it('has a row that is too long, and the rows after it are checked as well', async () => {
    const found = await findings(function* () {
      yield `${row('a')}\n`;
      for (let megabytes = 0; megabytes < 33; megabytes += 1) yield Buffer.alloc(1024 * 1024, 'x');
      yield `\n${row('b')}\n${row('a')}\n`;
    });
    expect(found).toEqual([
      [2, 'row_too_long'],
      [4, 'duplicate_custom_id'],
    ]);
  });

  it('has more findings than are reported: all are counted', async () => {
    const checked = await check('7\n'.repeat(1_500));
    expect(checked).toMatchObject({ verdict: 'bad', count: 1_500 });
    if (checked.verdict !== 'bad') return;
    expect(checked.findings).toHaveLength(FINDINGS_KEPT);
    expect(checked.findings.at(-1)?.line).toBe(FINDINGS_KEPT);
  });

  it('has more than five million rows, and is read no further', async () => {
    const scan = await scanAfter(FILE_LIMITS.rows - 1_500);
    const tables = createInMemoryRowTables();
    let after = 0;
    async function* rest() {
      yield Buffer.from(`${'7'.padEnd(100)}\n`.repeat(1_503));
      after += 1;
      yield Buffer.from('10\n');
    }
    expect(await continueScan(scan, rest, tables, () => false)).toBe(true);
    const found = await completeScan(scan, tables);
    expect(found).toMatchObject({ verdict: 'bad', count: 1_501 });
    // It is reported first, although a thousand findings came before it.
    expect(found.verdict === 'bad' && found.findings[0]).toMatchObject({ line: null, code: 'too_many_rows' });
    expect(after).toBe(0);
  });
});
