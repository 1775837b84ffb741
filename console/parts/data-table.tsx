import type { ComponentChildren } from 'preact';

/** Numbers are aligned to the right, and text may take several lines. */
interface Column {
  readonly title: string;
  readonly kind: 'number' | 'text';
}

export const number = (title: string): Column => ({ title, kind: 'number' });
export const text = (title: string): Column => ({ title, kind: 'text' });

interface DataTableProps {
  /** What the table shows, for those who do not see what is around it. */
  readonly caption: string;
  readonly columns: readonly (string | Column)[];
  readonly rows: readonly { readonly key: string; readonly cells: readonly ComponentChildren[] }[];
}

/** A plain table. If it is larger than its place, it scrolls there, also by keyboard. */
export function DataTable({ caption, columns, rows }: DataTableProps) {
  const kinds = columns.map((column) => (typeof column === 'string' ? '' : column.kind));
  const titles = columns.map((column) => (typeof column === 'string' ? column : column.title));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
    <section class="table-scroller" tabIndex={0} aria-label={caption}>
      <table class="data">
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>
            {titles.map((title, at) => (
              <th key={title} scope="col" class={kinds[at]}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ key, cells }) => (
            <tr key={key}>
              {cells.map((cell, at) => (
                <td key={titles[at]} class={kinds[at]}>
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
