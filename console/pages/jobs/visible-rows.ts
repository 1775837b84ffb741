/** Which rows of a long table are in the document. */
export interface VisibleRows {
  readonly first: number;
  /** The one after the last. */
  readonly end: number;
}

const BEYOND_THE_EDGE = 8; // rows, so that a fast turn of the wheel meets no gap

/** All heights are in pixels. */
export function visibleRows(
  count: number,
  { rowHeight, top, height }: { rowHeight: number; top: number; height: number },
): VisibleRows {
  const first = Math.floor(top / rowHeight) - BEYOND_THE_EDGE;
  const end = Math.ceil((top + height) / rowHeight) + BEYOND_THE_EDGE;
  return { first: Math.max(0, Math.min(first, count - 1)), end: Math.min(end, count) };
}

/** Returns the scroll position that shows the row at `index`, as near to `top` as possible. */
export function topToShow(
  index: number,
  { rowHeight, top, height }: { rowHeight: number; top: number; height: number },
): number {
  const lowest = (index + 1) * rowHeight - height;
  return Math.max(0, lowest, Math.min(top, index * rowHeight));
}

/** Returns the row that a key of the keyboard leads to; undefined for other keys. */
export function rowAfterKey(
  key: string,
  { index, count, page }: { index: number; count: number; page: number },
): number | undefined {
  const moves: Readonly<Record<string, number>> = {
    ArrowDown: index + 1,
    ArrowUp: index - 1,
    PageDown: index + page,
    PageUp: index - page,
    Home: 0,
    End: count - 1,
  };
  const next = Object.hasOwn(moves, key) ? moves[key] : undefined;
  return next === undefined ? undefined : Math.max(0, Math.min(next, count - 1));
}
