import type { FlatCounts } from '../../../functions/shared/domain/results/flat-results.ts';
import { counted, grouped } from '../../terminal/amounts.ts';
import type { JoinCounts } from './joined-rows.ts';

/** Returns what a person has to know of a table, as lines: what it has, and what it lacks. They are not escaped. */
export function tableReport(
  { rows, succeeded, misfits, rowsWithMoreAnswers }: FlatCounts,
  joined?: JoinCounts,
): string[] {
  const failed = rows - succeeded;
  const lines = [
    `${counted(rows, 'row', 'rows')}: ${grouped(succeeded)} succeeded, ${grouped(failed)} failed.`,
  ];
  if (misfits.count > 0) {
    lines.push(`${counted(misfits.count, 'value does', 'values do')} not fit:`);
    for (const { customId, column, reason } of misfits.first)
      lines.push(column === undefined ? `  ${customId}: ${reason}` : `  ${customId}: ${column} ${reason}`);
    const more = misfits.count - misfits.first.length;
    if (more > 0) lines.push(`  and ${grouped(more)} more`);
  }
  if (rowsWithMoreAnswers > 0)
    lines.push(
      `${counted(rowsWithMoreAnswers, 'row has', 'rows have')} several answers (n). The table has the first one; output.jsonl has all.`,
    );
  if (joined) lines.push(...joinLines(joined));
  return lines;
}

function joinLines({ file, rows, usedRows, requestsWithoutRow }: JoinCounts): string[] {
  const unused = rows - usedRows;
  return [
    ...(requestsWithoutRow > 0
      ? [`${counted(requestsWithoutRow, 'request has', 'requests have')} no row in ${file}.`]
      : []),
    ...(unused > 0
      ? [`${counted(unused, 'row', 'rows')} of ${file} match no request, and are not in the table.`]
      : []),
  ];
}
