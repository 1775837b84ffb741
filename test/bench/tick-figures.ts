import { type Figure, inTurns, medianOf, medianRatio } from './figures.ts';
import { inChild, type Measured } from './in-child.ts';

/** Compares a tick of POLL for open batches that are adjacent in the list with one retrieve per batch. */
export async function tickFigures(_room: string, turns: number, quick: boolean): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const open of quick ? [1, 100] : [1, 100, 1_000, 10_000]) {
    const { ours, retrieves } = await inTurns(turns, {
      ours: () => inChild('tick.ts', 'ours', `${open}`),
      retrieves: () => inChild('tick.ts', 'retrieves', `${open}`),
    });
    const shown = (measured: Measured[]) => {
      const calls = medianOf(measured, ({ counts }) => counts.calls ?? 0);
      return `${(medianOf(measured, ({ ms }) => ms) / 1000).toFixed(2)} s, ${calls} call${calls === 1 ? '' : 's'}`;
    };
    figures.push({
      what: `a tick over ${open.toLocaleString('en')} open batch${open === 1 ? '' : 'es'} at 100 ms per call, against one retrieve per batch, 50 in parallel`,
      ours: shown(ours),
      against: shown(retrieves),
      ratio: `${medianRatio(retrieves, ours).toFixed(1)}×`,
      goal: '',
      good: true,
      notes: `${medianOf(ours, ({ cpuMs }) => cpuMs).toFixed(0)} ms of CPU`,
    });
  }
  return figures;
}
