import type { Finding } from '../../functions/shared/contract/events.ts';
import { grouped } from '../words/amounts.ts';
import { DataTable, number, text } from './data-table.tsx';

/** What is wrong with a request file, by line. */
export function FindingsTable({ count, first }: { count: number; first: readonly Finding[] }) {
  return (
    <>
      <DataTable
        caption="Findings by line"
        columns={[number('Line'), text('What is wrong'), 'Code']}
        rows={first.map(({ line, message, code }, at) => ({
          key: `${at}`,
          cells: [line === null ? 'file' : grouped(line), message, <code>{code}</code>],
        }))}
      />
      {count > first.length && <p class="beneath">The first {grouped(first.length)}.</p>}
    </>
  );
}
