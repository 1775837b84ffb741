import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { useMedia } from '../layout/use-media.ts';
import { type Palette, readPalette } from './palette.ts';

const HEIGHT = 220; // pixels

interface ChartProps {
  /** What the chart shows. The numbers are in the table beside it. */
  readonly label: string;
  readonly data: uPlot.AlignedData;
  readonly series: (palette: Palette) => uPlot.Series[];
  /** Of a tick at the left. */
  readonly amount: (value: number) => string;
  /** Says in words what is under the pointer. */
  readonly describe: (index: number) => string;
}

/** A chart by uPlot. It follows the width of its place and the theme. */
export function Chart({ label, data, series, amount, describe }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const [pointed, setPointed] = useState<string>();
  const theme = useMedia('(prefers-color-scheme: dark)');
  // Functions are new in each rendering, and mean the same.
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const palette = readPalette();
    const plot = new uPlot(
      {
        width: element.clientWidth,
        height: HEIGHT,
        padding: [12, 8, 0, 0],
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
        scales: {
          x: { range: (_, min, max) => padded(data[0], min, max) },
          y: { range: (_, __, max) => [0, max > 0 ? max * 1.08 : 1] },
        },
        axes: axes(palette, amount),
        series: [{}, ...series(palette)],
        hooks: {
          setCursor: [({ cursor: { idx } }) => setPointed(idx == null ? undefined : describe(idx))],
        },
      },
      data,
      element,
    );
    const size = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: HEIGHT }));
    size.observe(element);
    return () => {
      size.disconnect();
      plot.destroy();
    };
  }, [data, theme]);
  return (
    <figure class="chart">
      <div ref={place} role="img" aria-label={label} />
      <figcaption aria-hidden="true">{pointed ?? ' '}</figcaption>
    </figure>
  );
}

/** Half a step at each end, so that the first and the last bar are whole. */
function padded(times: ArrayLike<number>, min: number, max: number): [number, number] {
  const step = times.length > 1 ? (max - min) / (times.length - 1) : 3_600;
  return [min - step / 2, max + step / 2];
}

function axes(palette: Palette, amount: (value: number) => string): uPlot.Axis[] {
  const font = `12px ${getComputedStyle(document.body).fontFamily}`;
  const look = { stroke: palette.quiet, font, ticks: { show: false } };
  return [
    { ...look, grid: { show: false }, space: 64, size: 28, values: timeTicks },
    {
      ...look,
      grid: { stroke: palette.line, width: 1 },
      size: 56,
      space: 40,
      values: (_, values) => values.map(amount),
    },
  ];
}

const hourOfDay = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });
const DAY_SECONDS = 86_400;

/** Hours and, at midnight or if ticks are a day apart, days. */
function timeTicks(_: uPlot, times: number[], __: number, ___: number, apart: number): string[] {
  return times.map((time) => {
    const at = new Date(1_000 * time);
    const isDay = apart >= DAY_SECONDS || (at.getHours() === 0 && at.getMinutes() === 0);
    return (isDay ? day : hourOfDay).format(at);
  });
}
