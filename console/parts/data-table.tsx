import type { ComponentChildren } from 'preact';

interface DataTableProps {
  /** What the table shows, for those who do not see what is around it. */
  readonly caption: string;
  /** Numbers are aligned to the right: their heads begin with `#`. */
  readonly head: readonly string[];
  readonly rows: readonly { readonly key: string; readonly cells: readonly ComponentChildren[] }[];
}

/** A plain table. If it is larger than its place, it scrolls there, also by keyboard. */
export function DataTable({ caption, head, rows }: DataTableProps) {
  const numeric = head.map((title) => title.startsWith('#'));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
    <section class="table-scroller" tabIndex={0} aria-label={caption}>
      <table class="data">
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>
            {head.map((title, at) => (
              <th key={title} scope="col" class={numeric[at] ? 'number' : ''}>
                {title.replace(/^#/, '')}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ key, cells }) => (
            <tr key={key}>
              {cells.map((cell, at) => (
                <td key={head[at]} class={numeric[at] ? 'number' : ''}>
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
