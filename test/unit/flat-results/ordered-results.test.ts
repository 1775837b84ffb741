import { describe, expect, it } from 'vitest';
import { OrderedResults } from '../../../functions/shared/flat-results/ordered-results.ts';
import { chatRequest, chatResult, linesOf } from './sample-lines.ts';

type Lines = Parameters<typeof linesOf>[0];

/** Returns the three files, each in chunks of one line, and how many of them are being read. */
function filesOf(files: { requests: Lines; output: Lines; errors: Lines }) {
  const open = new Set<string>();
  async function* chunks(name: keyof typeof files) {
    open.add(name);
    try {
      for (const line of files[name]) yield linesOf([line]);
    } finally {
      open.delete(name);
    }
  }
  return {
    open,
    sources: { requests: chunks('requests'), output: chunks('output'), errors: chunks('errors') },
  };
}

const FILES = {
  requests: [chatRequest('a'), chatRequest('b'), chatRequest('c')],
  output: [chatResult('a', 'A'), chatResult('c', 'C')],
  errors: [
    { id: null, custom_id: 'b', response: null, error: { code: 'x', message: 'm' } },
    chatResult('d', 'D'),
  ],
};

async function firstOf(results: OrderedResults): Promise<string[]> {
  for await (const rows of results.rows()) return Array.from(rows, ({ asked }) => asked.customId);
  return [];
}

describe('results that are read in order', () => {
  it('are read no further once they are closed', async () => {
    const { open, sources } = filesOf(FILES);
    const results = new OrderedResults(sources);
    expect(await firstOf(results)).toEqual(['a']);
    expect(open).toEqual(new Set(['requests', 'output', 'errors']));
    await results.close();
    expect(open).toEqual(new Set());
  });

  it('go on at their offsets, whichever row was the last one', async () => {
    const { sources } = filesOf(FILES);
    const results = new OrderedResults(sources);
    await firstOf(results);
    const { requests, output, errors } = results.offsets;
    expect({ requests, output, errors }).toEqual({
      requests: linesOf(FILES.requests.slice(0, 1)).length,
      output: linesOf(FILES.output.slice(0, 1)).length,
      errors: 0,
    });
    const rest = { requests: FILES.requests.slice(1), output: FILES.output.slice(1), errors: FILES.errors };
    const resumed = new OrderedResults(filesOf(rest).sources, results.offsets);
    expect(await firstOf(resumed)).toEqual(['b']);
    expect(resumed.offsets).toEqual({
      requests: linesOf(FILES.requests.slice(0, 2)).length,
      output,
      errors: linesOf(FILES.errors.slice(0, 1)).length,
    });
  });

  it.each([
    ['requests', '[]', 'a line of the request file has no custom_id'],
    ['requests', 'null', 'a line of the request file has no custom_id'],
    ['requests', '{"body":{}}', 'a line of the request file has no custom_id'],
    ['requests', '{"custom_id":7}', 'a line of the request file has no custom_id'],
    ['output', '"a"', 'output.jsonl has a line without a custom_id'],
    ['output', '{"response":{}}', 'output.jsonl has a line without a custom_id'],
    ['errors', '{"custom_id":null}', 'errors.jsonl has a line without a custom_id'],
  ])('refuse %s with the line %s', async (name, line, message) => {
    const { sources } = filesOf({ ...FILES, [name]: [line] });
    const results = new OrderedResults(sources);
    const readAll = Array.fromAsync(results.rows(), (rows) => [...rows]);
    await expect(readAll).rejects.toThrow(message);
  });
});
