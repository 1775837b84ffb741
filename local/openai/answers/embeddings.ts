import { seededRandom } from '../faults/seeded-random.ts';
import type { Answer, Question } from './question.ts';
import { inputsOf } from './request-inputs.ts';

const USUAL_DIMENSIONS = 8; // real models return 1,536 and more: too much for 50,000 rows on one machine
const DECIMALS = 1e6;

/** Returns the body of an embedding request: a unit vector per input. The same input always gets the same one. */
export function embeddings({ row, inputTokens }: Question): Answer {
  const { dimensions: asked, encoding_format: encoding } = row.body;
  const dimensions = typeof asked === 'number' ? asked : USUAL_DIMENSIONS;
  const data = inputsOf(row.body).map((input, index) => {
    const vector = unitVector(dimensions, `${row.model}/${JSON.stringify(input)}`);
    const embedding =
      encoding === 'base64' ? Buffer.from(Float32Array.from(vector).buffer).toString('base64') : vector;
    return { object: 'embedding', index, embedding };
  });
  const usage = { prompt_tokens: inputTokens, total_tokens: inputTokens };
  return {
    body: { object: 'list', data, model: row.model, usage },
    usage: { inputTokens, outputTokens: 0 },
  };
}

function unitVector(dimensions: number, key: string): number[] {
  const random = seededRandom(key);
  const vector = Array.from({ length: dimensions }, () => random() * 2 - 1);
  const length = Math.sqrt(vector.reduce((sum, number) => sum + number * number, 0)) || 1;
  return vector.map((number) => Math.round((number / length) * DECIMALS) / DECIMALS);
}
