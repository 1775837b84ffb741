import { useEffect, useRef, useState } from 'preact/hooks';
import { goTo } from '../../address/use-route.ts';
import type { JobRow } from '../../api.ts';
import { useMedia } from '../../layout/use-media.ts';
import { JobTableRow } from './job-table-row.tsx';
import { useScroller } from './use-scroller.ts';
import { rowAfterKey, topToShow, visibleRows } from './visible-rows.ts';

const COLUMNS = ['Status', 'File', 'Progress', 'Rows', 'Failed', 'Cost', 'Age', 'Time left'];
const ROW_HEIGHT = 52; // pixels, as in the style sheet
const NARROW_ROW_HEIGHT = 68;
const HEAD_HEIGHT = 34;
const NARROW = '(max-width: 720px)'; // as in the style sheet

/**
 * The table of jobs. Only the rows in sight are in the document. The table itself has the focus, so that it does not get lost
 * when the chosen row leaves the document; the arrow keys choose, and Enter opens.
 */
export function JobTable({ jobs }: { jobs: readonly JobRow[] }) {
  const scroller = useRef<HTMLDivElement>(null);
  const isNarrow = useMedia(NARROW);
  const rowHeight = isNarrow ? NARROW_ROW_HEIGHT : ROW_HEIGHT;
  const { top, height } = useScroller(scroller);
  const view = { rowHeight, top, height: height - (isNarrow ? 0 : HEAD_HEIGHT) };
  const { first, end } = visibleRows(jobs.length, view);
  const { chosen, choose, onKeyDown, onFocus } = useChosenRow(jobs, view, scroller);
  useKeptPosition(scroller, jobs, rowHeight);
  return (
    <div class="job-scroller" ref={scroller}>
      <table
        class="jobs"
        // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: keys choose rows, as in a grid
        role="grid"
        tabIndex={0}
        aria-label="Table of jobs"
        aria-rowcount={jobs.length + 1}
        aria-activedescendant={chosen >= first && chosen < end ? `job-${jobs[chosen]?.jobId}` : undefined}
        onKeyDown={onKeyDown}
        onFocus={onFocus}
      >
        <Head />
        <tbody>
          <Gap rows={first} rowHeight={rowHeight} />
          {jobs.slice(first, end).map((job, offset) => (
            <JobTableRow
              key={job.jobId}
              job={job}
              index={first + offset + 2}
              isChosen={first + offset === chosen}
              onChoose={choose}
            />
          ))}
          <Gap rows={jobs.length - end} rowHeight={rowHeight} />
        </tbody>
      </table>
    </div>
  );
}

interface ChosenRow {
  /** Its index; -1 if there is none. */
  readonly chosen: number;
  readonly choose: (jobId: string) => void;
  readonly onKeyDown: (event: KeyboardEvent) => void;
  /** Chooses the first row in sight. */
  readonly onFocus: () => void;
}

/** The chosen job stays the same while others come before it. */
function useChosenRow(
  jobs: readonly JobRow[],
  view: { rowHeight: number; top: number; height: number },
  scroller: { current: HTMLElement | null },
): ChosenRow {
  const [chosenId, choose] = useState<string>();
  const chosen = jobs.findIndex(({ jobId }) => jobId === chosenId);
  return {
    chosen,
    choose,
    onKeyDown(event) {
      const job = jobs[chosen];
      if (event.key === 'Enter' && job) return goTo({ page: 'job', jobId: job.jobId });
      const page = Math.max(1, Math.floor(view.height / view.rowHeight) - 1);
      const next = rowAfterKey(event.key, { index: chosen, count: jobs.length, page });
      if (next === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      choose(jobs[next]?.jobId);
      scroller.current?.scrollTo({ top: topToShow(next, view) });
    },
    onFocus() {
      if (chosen < 0) choose(jobs[Math.ceil(view.top / view.rowHeight)]?.jobId);
    },
  };
}

/** Columns have their widths from the style sheet. */
function Head() {
  return (
    <>
      <colgroup>
        {COLUMNS.map((column) => (
          <col key={column} class={columnClass(column)} />
        ))}
      </colgroup>
      <thead>
        <tr aria-rowindex={1}>
          {COLUMNS.map((column) => (
            <th key={column} scope="col" class={columnClass(column)}>
              {column}
            </th>
          ))}
        </tr>
      </thead>
    </>
  );
}

const columnClass = (column: string) => `of-${column.toLowerCase().replace(' ', '-')}`;

/** Takes the place of rows that are not in the document. */
function Gap({ rows, rowHeight }: { rows: number; rowHeight: number }) {
  if (rows <= 0) return null;
  return (
    // biome-ignore lint/a11y/noAriaHiddenOnFocusable: nothing in it can have the focus
    <tr aria-hidden="true" class="gap">
      <td style={{ height: `${rows * rowHeight}px` }} />
    </tr>
  );
}

/** New jobs come at the top. A reader who has scrolled down keeps the same jobs before the eyes. */
function useKeptPosition(
  scroller: { current: HTMLElement | null },
  jobs: readonly JobRow[],
  rowHeight: number,
): void {
  const last = useRef(jobs);
  useEffect(() => {
    const before = last.current;
    last.current = jobs;
    const element = scroller.current;
    const firstBefore = before[0]?.jobId;
    if (!element || element.scrollTop < rowHeight || before === jobs) return;
    const added = jobs.findIndex(({ jobId }) => jobId === firstBefore);
    if (added > 0 && jobs.length === before.length + added) element.scrollTop += added * rowHeight;
  }, [jobs, rowHeight, scroller]);
}
