import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeChatFile } from './chat-file.ts';
import { atLeast, type Figure, type Goal, inTurns, medianOf, medianRatio } from './figures.ts';
import { inChild, type Measured } from './in-child.ts';

/**
 * Measures the upload of a part of maximum size from the request bucket to the Batch API, in a process that has done it
 * before.
 */
export async function uploadFigures(directory: string, turns: number, quick: boolean): Promise<Figure[]> {
  const file = join(directory, 'part.jsonl');
  const { rows, bytes } = writeChatFile(file, quick ? 20_000_000 : 199_900_000, 4_200);
  const firstRowBytes = lengthOfFirstRow(file);
  const server = spawn(process.execPath, [fileURLToPath(new URL('files-server.ts', import.meta.url)), file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [address] = (await once(server.stdout, 'data')) as [Buffer];
    const by = (way: string) => () =>
      inChild('upload-part.ts', way, address.toString().trim(), `${rows}`, `${bytes}`, `${firstRowBytes}`);
    const { ours, pipe, sdk } = await inTurns(turns, { ours: by('ours'), pipe: by('pipe'), sdk: by('sdk') });
    for (const measured of [...ours, ...pipe, ...sdk]) {
      if (measured.counts.bytes !== bytes)
        throw new Error(`${measured.counts.bytes} of ${bytes} bytes arrived`);
    }
    const shown = (measured: Measured[]) =>
      `${(bytes / 1e3 / medianOf(measured, ({ ms }) => ms)).toFixed(0)} MB/s, ` +
      `${(medianOf(measured, ({ cpuMs }) => cpuMs) / 1000 / (bytes / 1e9)).toFixed(2)} CPU-s/GB`;
    const peak = (measured: Measured[]) => `${medianOf(measured, ({ rssMb }) => rssMb).toFixed(0)} MB`;
    const against = (what: string, other: Measured[], goal?: Goal): Figure => {
      const ratio = medianRatio(other, ours);
      const percent = goal === undefined ? `${ratio.toFixed(2)}×` : `${(100 * ratio).toFixed(0)} %`;
      return {
        what: `request bucket to Batch API, ${(bytes / 1e6).toFixed(0)} MB, against ${what}`,
        ours: shown(ours),
        against: shown(other),
        ratio: percent,
        goal: goal?.text ?? '',
        good: goal?.isMet(100 * ratio) ?? true,
        notes: `peak ${peak(ours)} against ${peak(other)}`,
      };
    };
    return [
      against('a bare pipe of the same bytes', pipe, atLeast(90, ' %')),
      against("the official SDK's `files.create`", sdk),
    ];
  } finally {
    server.kill();
    await once(server, 'exit');
  }
}

function lengthOfFirstRow(file: string): number {
  const start = Buffer.alloc(64 * 1024);
  const handle = openSync(file, 'r');
  readSync(handle, start);
  closeSync(handle);
  return start.indexOf('\n') + 1;
}
