import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { writeChatFile } from './chat-file.ts';
import { atLeast, type Figure, type Goal, inTurns, medianOf, medianRatio, notMeasured } from './figures.ts';
import { inChild, type Measured, runCommand } from './in-child.ts';

const GATE = atLeast(1.8);

/** The loop that other tools have, with the same checks, reporting as `in-child.ts` does. */
const PYTHON = `
import json, resource, sys, time
begun, ids, parts, first = time.perf_counter(), set(), [], None
ENDPOINTS = {'/v1/responses', '/v1/chat/completions', '/v1/embeddings', '/v1/completions', '/v1/moderations'}
with open(sys.argv[1], 'rb') as file:
    for line in file:
        line = line.rstrip()
        if not line:
            continue
        row = json.loads(line)
        key, body = row['custom_id'], row['body']
        if not isinstance(key, str) or key == '' or len(key.encode()) > 512 or key in ids:
            raise ValueError(key)
        ids.add(key)
        if row['method'] != 'POST' or row['url'] not in ENDPOINTS or body.get('stream') is True:
            raise ValueError(key)
        model = body['model']
        if not isinstance(model, str) or model == '':
            raise ValueError(key)
        first = first or (row['url'], model)
        if first != (row['url'], model):
            raise ValueError(key)
        size = len(line) + 1
        if not parts or parts[-1][0] >= 50000 or parts[-1][1] + size > 200000000:
            parts.append([0, 0])
        parts[-1][0] += 1
        parts[-1][1] += size
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({'ms': (time.perf_counter() - begun) * 1000, 'cpuMs': (used.ru_utime + used.ru_stime) * 1000,
    'rssMb': used.ru_maxrss / 1024, 'counts': {'rows': len(ids), 'parts': len(parts)}}))
`;

/** Check and plan, against what reads the same file otherwise. */
export async function checkFigures(directory: string, turns: number, quick: boolean): Promise<Figure[]> {
  const files: [string, number, number, Goal | undefined][] = quick
    ? [['20 MB, rows of 4 KB', 20_000_000, 4_000, GATE]]
    : [
        ['200 MB, rows of 4 KB', 200_000_000, 4_000, GATE],
        ['1 GB, rows of 4 KB', 1_000_000_000, 4_000, GATE],
        ['200 MB, rows of 0.5 KB', 200_000_000, 500, undefined],
      ];
  const figures: Figure[] = [];
  for (const [name, bytes, rowBytes, gate] of files) {
    const file = join(directory, `rows-${bytes}-${rowBytes}.jsonl`);
    writeChatFile(file, bytes, rowBytes);
    figures.push(...(await figuresOf(name, file, turns, gate)));
  }
  return figures;
}

async function figuresOf(name: string, file: string, turns: number, gate?: Goal): Promise<Figure[]> {
  const python = hasPython();
  const { ours, readline, floor, json } = await inTurns(turns, {
    ours: () => inChild('check-file.ts', 'ours', file),
    readline: () => inChild('check-file.ts', 'readline', file),
    floor: () => inChild('check-file.ts', 'floor', file),
    json: () =>
      python ? runCommand('python3', ['-c', PYTHON, file]) : inChild('check-file.ts', 'floor', file),
  });
  for (const [deadline, one] of ours.entries()) {
    if (one.counts.rows !== readline[deadline]?.counts.rows) throw new Error(`${name}: not the same rows`);
  }
  const gigabytes = statSync(file).size / 1e9;
  const shown = (measured: Measured[]) =>
    `${((gigabytes * 1e6) / medianOf(measured, ({ ms }) => ms)).toFixed(0)} MB/s, ` +
    `${(medianOf(measured, ({ cpuMs }) => cpuMs) / 1000 / gigabytes).toFixed(2)} CPU-s/GB`;
  const rss = `peak ${medianOf(ours, ({ rssMb }) => rssMb).toFixed(0)} MB`;
  const against = (what: string, other: Measured[], goal?: Goal): Figure => {
    // By CPU time: Lambda sells it, and it hardly depends on what else the machine does.
    const ratio = medianRatio(other, ours, ({ cpuMs }) => cpuMs);
    const wall = medianRatio(other, ours);
    return {
      what: `check and plan, ${name}, against ${what}`,
      ours: shown(ours),
      against: shown(other),
      ratio: `${ratio.toFixed(2)}×`,
      goal: goal?.text ?? '',
      good: goal?.isMet(ratio) ?? true,
      notes: `${wall.toFixed(2)}× in wall time; ${rss}`,
    };
  };
  return [
    against('`readline` and `JSON.parse`', readline, gate),
    python
      ? against('a Python `json.loads` loop', json)
      : notMeasured(`check and plan, ${name}, against Python`, 'there is no python3'),
    against('reading the file only', floor),
  ];
}

function hasPython(): boolean {
  try {
    execFileSync('python3', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
