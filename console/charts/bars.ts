import uPlot from 'uplot';

/** Bars of one colour, with a gap between them. */
export function bars(colour: string): uPlot.Series {
  const paths = uPlot.paths.bars?.({ size: [0.72, 36] });
  return { fill: colour, width: 0, points: { show: false }, ...(paths && { paths }) };
}

/** Points alone. */
export function dots(colour: string): uPlot.Series {
  return { stroke: colour, paths: () => null, points: { show: true, size: 6, width: 0, fill: colour } };
}
