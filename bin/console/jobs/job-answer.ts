import type { ErrorKind, JobAnswer, JobRow, ModelCost, ResultFile } from '../../../console/api.ts';
import type { JobCost } from '../../../functions/shared/contract/events.ts';
import type { JobDetails } from '../../jobs/job-details.ts';
import { REQUEST_FILE } from '../files/downloads.ts';
import { moneyOf } from './job-rows.ts';

/** Returns all that is known of a job as the page reads it. */
export function jobAnswer(row: JobRow, details: JobDetails): JobAnswer {
  const { job, timeline, parts, partCount, errors, nextStep, files } = details;
  const { findings, usage, cost, request } = job;
  return {
    job: row,
    timeline,
    metadata: request.metadata,
    instructions: request.instructions,
    nextStep,
    parts,
    partCount,
    ...(findings && { findings }),
    errorKinds: errors.kinds.map((kind): ErrorKind => ({ ...kind, sampled: errors.sampled })),
    ...(usage && { usage }),
    costByModel: cost ? cost.models.map((model) => modelCost(cost, model)) : [],
    files: [
      { name: REQUEST_FILE, size: request.size },
      ...files.flatMap(({ name, size }) => (isResultFile(name) ? [{ name, size }] : [])),
    ],
  };
}

function modelCost(
  { currency }: JobCost,
  { model, inputTokens, cachedInputTokens, outputTokens, paid }: JobCost['models'][number],
): ModelCost {
  return { model, inputTokens, cachedInputTokens, outputTokens, cost: moneyOf(currency, paid) };
}

const RESULT_FILES: Readonly<Record<ResultFile, true>> = {
  'output.jsonl': true,
  'errors.jsonl': true,
  'anomalies.jsonl': true,
  'summary.json': true,
  'rejected.json': true,
  'requests.jsonl': true,
};

/** Returns whether a job can have a file of this name. */
export function isResultFile(name: unknown): name is ResultFile {
  return typeof name === 'string' && Object.hasOwn(RESULT_FILES, name);
}
