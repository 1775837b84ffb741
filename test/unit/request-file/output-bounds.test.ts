import { describe, expect, it } from 'vitest';
import type { OutputBounds } from '../../../functions/shared/domain/money/output-bounds.ts';
import { RequestFileScan } from '../../../functions/shared/request-file/request-file-scan.ts';
import { completeScan, continueScan } from '../../../functions/shared/request-file/validate-request-file.ts';
import { scannerModule } from '../../../functions/shared/scanner/scanner-module.ts';
import { createInMemoryRowTables } from '../../fakes/in-memory-row-tables.ts';

const CHAT = '/v1/chat/completions';
const LEGACY = '/v1/completions';
const RESPONSES = '/v1/responses';
const NONE = 'no limit';

/** The bounds of a file's only part, as the scanner reads it or as `JSON.parse` does. */
async function boundsOf(lines: readonly string[], scanner: WebAssembly.Module | null): Promise<OutputBounds> {
  const scan = RequestFileScan.begun({}, scanner);
  const tables = createInMemoryRowTables();
  const file = async function* () {
    yield Buffer.from(`${lines.join('\n')}\n`);
  };
  await continueScan(scan, file, tables, () => false);
  const checked = await completeScan(scan, tables);
  if (checked.verdict === 'bad') throw new Error(checked.findings[0]?.message);
  return checked.parts[0]?.output ?? expect.fail('no part');
}

/** A row whose body has these fields as JSON text, and the one that its endpoint requires. */
function line(url: string, fields: string, id = 'r1'): string {
  const required = url === CHAT ? '"messages":[]' : '"prompt":"a"';
  const all = [url === RESPONSES || /"(?:prompt|input)"/.test(fields) ? '' : required, fields];
  const more = all.map((text) => (text === '' ? '' : `,${text}`)).join('');
  return `{"custom_id":"${id}","method":"POST","url":"${url}","body":{"model":"m"${more}}}`;
}

const readers: [string, () => WebAssembly.Module | null][] = [
  ['the scanner', scannerModule],
  ['JSON.parse', () => null],
];

describe.each(readers)('the most output tokens of a row, read by %s,', (_, scanner) => {
  it.each<[string, string, number | typeof NONE]>([
    [CHAT, '', NONE],
    [CHAT, '"max_tokens":100', 100],
    [CHAT, '"max_completion_tokens":100', 100],
    [CHAT, '"max_tokens":100,"max_completion_tokens":250', 250],
    [CHAT, '"max_tokens":100,"n":3', 300],
    [CHAT, '"max_tokens":null,"n":3', NONE],
    [CHAT, '"max_tokens":100,"n":null', 100],
    [CHAT, '"max_tokens":1e2', 100],
    [CHAT, '"max_tokens":100.0', 100],
    [CHAT, '"max_tokens":100.5', NONE],
    [CHAT, '"max_tokens":0', NONE],
    [CHAT, '"max_tokens":-1', NONE],
    [CHAT, '"max_tokens":"100"', NONE],
    [CHAT, '"max_tokens":[100]', NONE],
    [CHAT, '"max_tokens":true', NONE],
    [CHAT, '"max_tokens":100,"n":0', NONE],
    [CHAT, '"max_tokens":100,"n":"3"', NONE],
    [CHAT, '"max_tokens":100,"max_completion_tokens":"many"', NONE],
    [CHAT, '"max_tokens":1000000000', 1_000_000_000],
    [CHAT, '"max_tokens":1000000001', NONE],
    [CHAT, '"max_tokens":500000000,"n":3', NONE],
    [CHAT, '"max_tokens":1e400', NONE],
    [CHAT, '"max_tokens":100,"max_tokens":200', 200],
    [CHAT, '"max\\u005ftokens":100', 100],
    [CHAT, '"max_output_tokens":100', NONE],
    [CHAT, '"max_tokens":100,"best_of":5', 100],
    [LEGACY, '"max_tokens":16', 16],
    [LEGACY, '"max_tokens":16,"n":2,"best_of":5', 80],
    [LEGACY, '"max_tokens":16,"prompt":["a","b","c"]', 48],
    [LEGACY, '"max_tokens":16,"prompt":[1,2,3]', 16],
    [LEGACY, '"max_tokens":16,"prompt":[[1,2],[3]],"n":2', 64],
    [LEGACY, '"max_tokens":16,"prompt":[]', NONE],
    [LEGACY, '"max_completion_tokens":16', NONE],
    [RESPONSES, '"max_output_tokens":100', 100],
    [RESPONSES, '"max_output_tokens":100,"n":3', 100],
    [RESPONSES, '"max_tokens":100', NONE],
    ['/v1/embeddings', '"input":"a"', 0],
    ['/v1/moderations', '"input":"a"', 0],
    ['/v1/images/generations', '"prompt":"a"', NONE],
  ])('of %s {%s} are %s', async (url, fields, expected) => {
    const bounds = await boundsOf([line(url, fields)], scanner());
    expect(bounds).toEqual(
      expected === NONE
        ? { tokens: 0, largest: 0, unboundedRows: 1 }
        : { tokens: expected, largest: expected, unboundedRows: 0 },
    );
  });

  it('are summed over the rows of a part', async () => {
    const limits = ['"max_tokens":100', '', '"max_tokens":50,"n":4', '"max_tokens":7', '"max_tokens":null'];
    const rows = limits.map((fields, at) => line(CHAT, fields, `r${at}`));
    expect(await boundsOf(rows, scanner())).toEqual({ tokens: 307, largest: 200, unboundedRows: 2 });
  });
});
