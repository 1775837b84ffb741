/**
 * Shows rows of an ended job: what was asked, beside what was answered. It reads the first rows of a result file, and
 * then searches the request file for their prompts: both from the start, and only so far. Results have the order of the
 * request file, so the prompts of the first results are near its start.
 */
import type { SampledRow } from '../../../console/api.ts';
import { resultKeys } from '../../../functions/shared/contract/result-keys.ts';
import { TerminalError } from '../../../functions/shared/domain/errors.ts';
import type { Job } from '../../../functions/shared/domain/job.ts';
import { LineReader } from '../../../functions/shared/part-rows/lines.ts';
import { hasFields, parsedLine, readRowError } from '../../../functions/shared/result-lines/row-error.ts';
import type { ReadBuckets } from '../../connection/buckets.ts';

const SHOWN_ROWS = 10;
const RESULT_BYTES = 4 * 1024 * 1024; // of the result file
const SEARCHED_BYTES = 64 * 1024 * 1024; // of the request file; some 100,000 rows, read within seconds
const LONGEST_LINE = 4 * 1024 * 1024;
const MAX_TEXT = 20_000; // characters of a prompt or an answer
const MAX_MEMBERS = 1_000; // messages, or pieces of one

/** Returns the first rows that succeeded, or that failed. None if the job has no such file. Errors: those of S3. */
export async function sampleRows(
  { requestFiles, results }: ReadBuckets,
  job: Job,
  outcome: 'succeeded' | 'failed',
): Promise<SampledRow[]> {
  const { output, errors } = resultKeys(job);
  const key = outcome === 'succeeded' ? output : errors;
  const found = new Map<string, Omit<SampledRow, 'customId'>>();
  const size = job.rows ? await results.size(key) : undefined;
  if (size === undefined) return [];
  const end = Math.min(size, RESULT_BYTES);
  await eachLine(results.read(key, { start: 0, end }), end < size, (bytes) => {
    const line = parsedLine(bytes);
    if (typeof line?.custom_id === 'string' && !found.has(line.custom_id))
      found.set(line.custom_id, outcome === 'succeeded' ? answerIn(line) : errorIn(bytes));
    return found.size < SHOWN_ROWS;
  });
  if (found.size > 0) await addPrompts(requestFiles, job, found);
  return [...found].map(([customId, row]) => ({ customId, ...row }));
}

async function addPrompts(
  requestFiles: ReadBuckets['requestFiles'],
  { request }: Job,
  rows: Map<string, Omit<SampledRow, 'customId'>>,
): Promise<void> {
  const missing = new Set(rows.keys());
  const end = Math.min(request.size, SEARCHED_BYTES);
  try {
    await eachLine(requestFiles.read(request, { start: 0, end }), end < request.size, (bytes, line) => {
      const customId = parsedLine(bytes)?.custom_id;
      if (typeof customId !== 'string' || !missing.delete(customId)) return true;
      const known = rows.get(customId);
      const { text, cut } = textOf(promptIn(parsedLine(bytes)?.body));
      if (known) rows.set(customId, { ...known, line, prompt: text, cut: known.cut || cut });
      return missing.size > 0;
    });
  } catch (error) {
    if (!(error instanceof TerminalError)) throw error; // the request file is gone: the answers are shown alone
  }
}

/** Passes on lines until `work` returns false. The last line of a range may be cut, and is not passed on. */
async function eachLine(
  chunks: AsyncIterable<Uint8Array>,
  isCut: boolean,
  work: (bytes: Uint8Array, number: number) => boolean,
): Promise<void> {
  let goesOn = true;
  const reader = new LineReader(
    {
      line: ({ bytes, number }) => {
        goesOn = goesOn && work(bytes, number);
      },
      overlong: () => {},
    },
    { longest: LONGEST_LINE },
  );
  for await (const chunk of chunks) {
    reader.push(chunk);
    if (!goesOn) return;
  }
  if (!isCut) reader.end();
}

function errorIn(line: Uint8Array): Pick<SampledRow, 'error' | 'cut'> {
  return { error: readRowError(line), cut: false };
}

function answerIn({ response }: Record<string, unknown>): Pick<SampledRow, 'answer' | 'cut'> {
  const body = hasFields(response) ? response.body : undefined;
  const { text, cut } = textOf(replyIn(body));
  return { answer: text, cut };
}

/** The text of the messages, of the input or of the prompt; else the whole body. */
function promptIn(body: unknown): unknown {
  if (!hasFields(body)) return body;
  const { messages, input, prompt, instructions } = body;
  const asked = messages ?? input ?? prompt;
  if (asked === undefined) return body;
  const first = typeof instructions === 'string' ? `instructions: ${instructions}\n\n` : '';
  const text = spokenText(asked);
  return text === undefined ? body : first + text;
}

/** The text of the answer of Chat Completions, Responses and Completions; else the whole body. */
function replyIn(body: unknown): unknown {
  if (!hasFields(body)) return body;
  const { choices, output } = body;
  const said = Array.isArray(choices)
    ? choices.map((choice) => (hasFields(choice) ? (choice.message ?? choice.text) : undefined))
    : output;
  return spokenText(said) ?? body;
}

/** Returns what messages say, with their roles; undefined if there is something else than text in them. */
function spokenText(said: unknown): string | undefined {
  if (typeof said === 'string') return said;
  if (Array.isArray(said)) {
    if (said.length === 0 || said.length > MAX_MEMBERS) return undefined;
    const texts = said.map(spokenText);
    return texts.some((text) => text === undefined) ? undefined : texts.join('\n\n');
  }
  if (!hasFields(said)) return undefined;
  const { role, content, text, tool_calls: calls } = said;
  if (Array.isArray(calls) && calls.length > 0) return undefined;
  const inside = typeof text === 'string' ? text : content;
  const words = typeof inside === 'string' || Array.isArray(inside) ? spokenText(inside) : undefined;
  return words !== undefined && typeof role === 'string' && role !== 'assistant'
    ? `${role}: ${words}`
    : words;
}

function textOf(value: unknown): { text: string; cut: boolean } {
  const text = typeof value === 'string' ? value : (JSON.stringify(value, null, 2) ?? '');
  if (text.length <= MAX_TEXT) return { text: text.toWellFormed(), cut: false };
  return { text: text.slice(0, MAX_TEXT).toWellFormed(), cut: true };
}
