import { describe, expect, it } from 'vitest';
import type { BatchApi, Ports, Scratch } from '../../../functions/shared/ports/ports.ts';
import { fileOf, SmallWorld, withMethods } from '../small-world.ts';

const IDS = Array.from({ length: 12 }, (_, row) => `row-${row}`);
const OK = { status_code: 200 };
const line = (customId: string, response: object = OK) =>
  JSON.stringify({ id: 'batch_req', custom_id: customId, response, error: null });

/** Returns the API with this output file, which it sends in chunks of this many bytes. */
function answering(api: BatchApi, file: Buffer, chunkBytes: number): BatchApi {
  return withMethods(api, {
    async retrieveBatch(batchId) {
      const { outputFileId, errorFileId, ...batch } = await api.retrieveBatch(batchId);
      return outputFileId === undefined ? batch : { ...batch, outputFileId: 'file-out' };
    },
    fileBytes: async () => file.length,
    async *readFile() {
      for (let at = 0; at < file.length; at += chunkBytes) yield file.subarray(at, at + chunkBytes);
    },
  });
}

/** Runs one job with these result lines, which the API sends in chunks of this many bytes. */
async function delivered(lines: string[], chunkBytes: number) {
  const file = Buffer.from(lines.map((text) => `${text}\n`).join(''));
  let onDisk = 0;
  const counted = (scratch: Scratch): Scratch => ({
    async open() {
      const file = await scratch.open();
      const write = async (bytes: Uint8Array) => {
        onDisk += bytes.length;
        await file.write(bytes);
      };
      return { ...file, write };
    },
  });
  const replaced = ({ api, scratch }: Ports): Partial<Ports> => ({
    scratch: counted(scratch),
    api: answering(api, file, chunkBytes),
  });
  const world = new SmallWorld({ replaced, rerun: { maxAttempts: 1 } });
  const jobId = await world.drop('a.jsonl', fileOf(...IDS));
  await world.rest();
  const textOf = (name: string) => {
    const [, object] = [...world.results.objects()].find(([key]) => key.endsWith(`/${name}.jsonl`)) ?? [];
    return Buffer.from(object?.body ?? '').toString();
  };
  return { rows: world.job(jobId).rows, output: textOf('output'), errors: textOf('errors'), textOf, onDisk };
}

const inOrder = IDS.map((id) => line(id));
const whole = inOrder.map((text) => `${text}\n`).join('');

const ORDERS: [string, string[]][] = [
  ['in the order of the rows', inOrder],
  ['in reverse order', [...inOrder].reverse()],
  ['with neighbours exchanged', inOrder.map((_, at) => inOrder[at ^ 1] ?? '')],
  ['with the first row last', [...inOrder.slice(1), ...inOrder.slice(0, 1)]],
  [
    'with the even rows first',
    [...inOrder.filter((_, at) => at % 2 === 0), ...inOrder.filter((_, at) => at % 2)],
  ],
];

describe('a line on the disk that belongs to another row', () => {
  /** Runs one job whose disk returns row 5 as row 6, the first time that row 5 is read. */
  async function afterMisread(lines: string[]) {
    let isMisread = false;
    const world = new SmallWorld({
      rerun: { maxAttempts: 1 },
      replaced: ({ api, scratch }) => ({
        api: answering(api, Buffer.from(lines.map((text) => `${text}\n`).join('')), 10_000),
        scratch: {
          async open() {
            const file = await scratch.open();
            return {
              ...file,
              read(start, target) {
                file.read(start, target);
                const at = Buffer.from(target).indexOf('"row-5"');
                if (isMisread || at < 0) return;
                isMisread = true;
                target.set(Buffer.from('"row-6"'), at);
              },
            };
          },
        },
      }),
    });
    await world.drop('a.jsonl', fileOf(...IDS));
    await world.rest().catch((failure: Error) => expect(failure.message).not.toContain('still due'));
    await world.rest();
    const ids = world.lines('/output.jsonl').map(({ custom_id: id }) => id);
    return { ids, isMisread, causes: world.log.lines.flatMap(({ cause }) => (cause ? [String(cause)] : [])) };
  }

  it.each(ORDERS.slice(1))('is not stored, and the delivery is repeated: lines %s', async (_, lines) => {
    const { ids, isMisread, causes } = await afterMisread(lines);
    expect(ids).toEqual(IDS);
    expect(causes.some((cause) => cause.includes('a stored line belongs to another row'))).toBe(isMisread);
  });
});

describe('result lines', () => {
  it.each(ORDERS)('%s are stored in the order of the rows, wherever the chunks end', async (_, lines) => {
    for (const chunkBytes of [1, 100, 10_000]) {
      const { output, rows } = await delivered(lines, chunkBytes);
      expect(output).toBe(whole);
      expect(rows).toMatchObject({ total: IDS.length, succeeded: IDS.length });
    }
  });

  it('whose ids are escaped are stored as they are, also from the disk', async () => {
    const escaped = inOrder.map((text) => text.replace('"row-', '"row\\u002d'));
    const { output, rows } = await delivered([...escaped].reverse(), 100);
    expect(output).toBe(escaped.map((text) => `${text}\n`).join(''));
    expect(rows).toMatchObject({ succeeded: IDS.length });
  });

  it('need no disk when they come in the order of the rows', async () => {
    expect((await delivered(inOrder, 100)).onDisk).toBe(0);
  });

  it('need the disk only for rows that arrive too early', async () => {
    const early = inOrder.map((_, at) => inOrder[at ^ 1] ?? '');
    const { onDisk } = await delivered(early, 10);
    expect(onDisk).toBe(early.filter((_, at) => at % 2 === 0).join('\n').length + 1);
  });

  it('with a failed row wait, because the rest of the file may have a success for it', async () => {
    const failed = line('row-3', { status_code: 400 });
    const lines = inOrder.map((text, at) => (at === 3 ? failed : text));
    const { output, errors, rows } = await delivered(lines, 50);
    expect(rows).toMatchObject({ succeeded: IDS.length - 1, failed: 1 });
    expect(output).toBe(whole.replace(`${inOrder[3]}\n`, ''));
    expect(errors).toContain('"custom_id":"row-3"');
  });

  it('with a failure and a later success for one row count as a success, in the place of the row', async () => {
    const failed = line('row-3', { status_code: 500 });
    const lines = [...inOrder.slice(0, 3), failed, ...inOrder.slice(4), inOrder[3] ?? ''];
    const { output, rows, textOf } = await delivered(lines, 50);
    expect(rows).toMatchObject({ succeeded: IDS.length, failed: 0 });
    expect(output).toBe(whole);
    expect(textOf('anomalies')).toBe(`${failed}\n`);
  });

  it('that repeat a row count once, and the second line is an anomaly', async () => {
    const again = line('row-0', { status_code: 201 });
    const { output, textOf } = await delivered([...inOrder, again], 50);
    expect(output).toBe(whole);
    expect(textOf('anomalies')).toBe(`${again}\n`);
  });
});
