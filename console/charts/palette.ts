/** Colours of the style sheet, for a canvas. */
export interface Palette {
  readonly quiet: string;
  readonly line: string;
  /** Of series, in order. */
  readonly series: readonly string[];
}

const SERIES = [1, 2, 3, 4, 5, 6];

/** Reads the colours of the present theme. */
export function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return {
    quiet: colour('quiet'),
    line: colour('line'),
    series: SERIES.map((number) => colour(`series-${number}`)),
  };
}
