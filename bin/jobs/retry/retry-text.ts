import { isOver } from '../../../functions/shared/domain/job.ts';
import { counted, grouped } from '../../terminal/amounts.ts';
import { escapeControlCharacters } from '../../terminal/escape-control-characters.ts';
import { estimateText } from '../../terminal/estimate-text.ts';
import { shortId } from '../../terminal/short-id.ts';
import type { RetryPlan } from '../retry-job.ts';

/** Returns how many rows run again, and the lines to read before a yes. They are safe to print. */
export function retryQuestion(plan: RetryPlan): { rows: string; lines: string[] } {
  const { job, rows, maybeBilled, left, taken, earlier, file } = plan;
  const total = job.rows?.total ?? 0;
  const id = shortId(job.jobId);
  const lines = [
    `${job.request.key}: ${counted(rows, 'row', 'rows')} of ${grouped(total)} in ${counted(file?.parts ?? 0, 'batch', 'batches')}, as ${plan.key}`,
    ...(file ? [`  ${estimateText(file.estimate)}`] : []),
    ...(maybeBilled > 0
      ? [`  ${grouped(maybeBilled)} of them have no result: the API may have run and billed them`]
      : []),
    ...(left.refused > 0
      ? [`  not again: ${counted(left.refused, 'row', 'rows')} that the API refused (--all)`]
      : []),
    ...(left.missing > 0
      ? [
          `  not again: ${counted(left.missing, 'row', 'rows')} without a result, which may have been billed (--missing)`,
        ]
      : []),
    ...(taken > 0
      ? [
          `  not again: ${counted(taken, 'row', 'rows')} that ${earlier.map(({ jobId }) => shortId(jobId)).join(', ')} has, a retry of ${id}`,
        ]
      : []),
  ];
  return {
    rows: counted(rows, 'row', 'rows'),
    lines: lines.map(escapeControlCharacters),
  };
}

/** Returns why no row runs again. A failure needs another command or option; otherwise the job is fine, or retried already. */
export function retryRefusal({ job, left, taken, earlier }: RetryPlan): {
  isFailure: boolean;
  sentence: string;
} {
  const [newest] = earlier.slice(-1);
  if (taken > 0 && newest) {
    const id = shortId(newest.jobId);
    const sentence = isOver(newest)
      ? `Job ${newest.jobId} already ran these rows again, and is ${newest.status}. To run what failed in it: batchdrop retry ${id}`
      : `Job ${newest.jobId} already runs these rows again. To wait for it: batchdrop wait ${id}`;
    return { isFailure: false, sentence };
  }
  if (left.refused + left.missing === 0)
    return {
      isFailure: false,
      sentence: `All rows of job ${job.jobId} succeeded. There is nothing to retry.`,
    };
  const why = [
    ...(left.refused > 0
      ? [
          `${counted(left.refused, 'row was', 'rows were')} refused by the API, and would be again: change them, or add --all`,
        ]
      : []),
    ...(left.missing > 0
      ? [
          `${counted(left.missing, 'row has', 'rows have')} no result, and may have been billed: to run them again, add --missing`,
        ]
      : []),
  ];
  return { isFailure: true, sentence: `Nothing was sent. Of job ${job.jobId}, ${why.join('; ')}.` };
}
