import { seededHex } from '../faults/seeded-random.ts';
import type { Answer, Question } from './question.ts';
import { moderatedInputsOf } from './request-inputs.ts';

const CATEGORIES = [
  'harassment',
  'harassment/threatening',
  'hate',
  'hate/threatening',
  'illicit',
  'illicit/violent',
  'self-harm',
  'self-harm/instructions',
  'self-harm/intent',
  'sexual',
  'sexual/minors',
  'violence',
  'violence/graphic',
];

/** Returns the body of a moderation request: a result per input. It flags nothing. */
export function moderation({ row, key, inputTokens, randomOf }: Question): Answer {
  const random = randomOf('moderation');
  const results = moderatedInputsOf(row.body).map(() => ({
    flagged: false,
    categories: Object.fromEntries(CATEGORIES.map((category) => [category, false])),
    category_scores: Object.fromEntries(CATEGORIES.map((category) => [category, random() / 1_000])),
    category_applied_input_types: Object.fromEntries(CATEGORIES.map((category) => [category, ['text']])),
  }));
  const body = { id: `modr-${seededHex(key, 32)}`, model: row.model, results };
  return { body, usage: { inputTokens, outputTokens: 0 } };
}
