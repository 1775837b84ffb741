import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { embedScanner } from '../../lib/bundling/embed-scanner.ts';
import { writeChatFile } from './chat-file.ts';
import {
  atLeast,
  atMost,
  type Figure,
  type Goal,
  inTurns,
  medianOf,
  medianRatio,
  notMeasured,
} from './figures.ts';
import { type Measured, runCommand } from './in-child.ts';

/** Python modules with a function `loads`. orjson must be installed with pip. */
const PARSERS = ['json', 'orjson'];

/** By CPU time and by wall time. */
const AGAINST_PYTHON = atLeast(5);
const AGAINST_READLINE = atLeast(1.8);
/**
 * 0.8 CPU-s/GB where the Python loop takes 3.9. As a ratio, it does not depend on the machine and its load.
 */
const SHARE_OF_PYTHON = atMost(0.205, " of the Python loop's CPU time");

/**
 * The loop that other tools have, with the same checks, and reports like those of `in-child.ts`. Arguments: parser,
 * file.
 */
const PYTHON = `
import importlib, json, resource, sys, time
loads = importlib.import_module(sys.argv[1]).loads
begun, ids, parts, first = time.perf_counter(), set(), [], None
ENDPOINTS = {'/v1/responses', '/v1/chat/completions', '/v1/embeddings', '/v1/completions', '/v1/moderations'}
with open(sys.argv[2], 'rb') as file:
    for line in file:
        line = line.rstrip()
        if not line:
            continue
        row = loads(line)
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

/** One of the files to check. */
interface Sample {
  name: string;
  bytes: number;
  rowBytes: number;
  /** Absent if the figure has no goal. */
  cpuGoal?: Goal;
}

/** Compares checking and planning with other ways to read the same file. */
export async function checkFigures(directory: string, turns: number, quick: boolean): Promise<Figure[]> {
  const program = join(directory, 'check-file.cjs');
  await bundle('check-file.ts', program);
  const samples: Sample[] = quick
    ? [{ name: '20 MB, rows of 4 KB', bytes: 20_000_000, rowBytes: 4_000 }]
    : [
        { name: '1 GB, rows of 4 KB', bytes: 1_000_000_000, rowBytes: 4_000, cpuGoal: SHARE_OF_PYTHON },
        { name: '200 MB, rows of 0.5 KB', bytes: 200_000_000, rowBytes: 500 },
      ];
  const figures: Figure[] = [];
  for (const sample of samples) {
    const file = join(directory, `rows-${sample.bytes}-${sample.rowBytes}.jsonl`);
    writeChatFile(file, sample.bytes, sample.rowBytes);
    figures.push(...(await figuresOf(sample, file, program, turns)));
  }
  return figures;
}

function againstPython(goal: Goal, share: number): Pick<Figure, 'ratio' | 'goal' | 'good'> {
  return { ratio: share.toFixed(3), goal: goal.text, good: goal.isMet(share) };
}

/**
 * Bundled like deployed functions, without types. Otherwise Node would compile its type stripper during the
 * measurement.
 */
async function bundle(file: string, outfile: string): Promise<void> {
  await build({
    entryPoints: [fileURLToPath(new URL(file, import.meta.url))],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    mainFields: ['module', 'main'],
    plugins: [embedScanner],
    logLevel: 'silent', // the thrown error has the messages
  });
}

async function figuresOf(sample: Sample, file: string, program: string, turns: number): Promise<Figure[]> {
  const server = await serve(file);
  try {
    const by = (way: string) => () => runCommand(process.execPath, [program, way, file, server.url]);
    const byPython = (parser: string) => () => runCommand('python3', ['-c', PYTHON, parser, file]);
    const measured = await inTurns<string>(turns, {
      ...Object.fromEntries(['ours', 'stream', 'wire', 'readline', 'floor'].map((way) => [way, by(way)])),
      ...Object.fromEntries(PARSERS.filter(hasPython).map((parser) => [parser, byPython(parser)])),
    });
    return tableLines(sample, statSync(file).size / 1e9, measured);
  } finally {
    await server.end();
  }
}

function tableLines(
  { name, cpuGoal }: Sample,
  gigabytes: number,
  { ours = [], stream = [], wire = [], readline = [], floor = [], ...parsers }: Record<string, Measured[]>,
): Figure[] {
  for (const one of [ours, stream, wire].flat())
    if (one.counts.rows !== readline[0]?.counts.rows) throw new Error(`${name}: not the same rows`);
  const cpuPerGb = (measured: Measured[]) => medianOf(measured, ({ cpuMs }) => cpuMs) / 1000 / gigabytes;
  const shown = (measured: Measured[]) =>
    `${((gigabytes * 1e6) / medianOf(measured, ({ ms }) => ms)).toFixed(0)} MB/s, ${cpuPerGb(measured).toFixed(2)} CPU-s/GB`;
  const figure = (how: string, mine: Measured[], what: string, other: Measured[], goal?: Goal): Figure => {
    const [cpu, clock] = [medianRatio(other, mine, ({ cpuMs }) => cpuMs), medianRatio(other, mine)];
    return {
      what: `check and plan, ${name}${how}, against ${what}`,
      ours: shown(mine),
      against: shown(other),
      ratio: `${cpu.toFixed(2)}× by CPU, ${clock.toFixed(2)}× by the clock`,
      goal: goal ? `${goal.text} both` : '',
      good: !goal || (goal.isMet(cpu) && goal.isMet(clock)),
      notes: `peak ${medianOf(mine, ({ rssMb }) => rssMb).toFixed(0)} MB`,
    };
  };
  const { json } = parsers;
  const cpu: Figure = {
    ...figure('', ours, 'reading the file only', floor),
    ...(cpuGoal &&
      json &&
      againstPython(
        cpuGoal,
        medianRatio(ours, json, ({ cpuMs }) => cpuMs),
      )),
  };
  return [
    json
      ? figure('', ours, 'a Python `json.loads` loop', json, AGAINST_PYTHON)
      : notMeasured(`check and plan, ${name}, against Python`, 'there is no python3'),
    ...(parsers.orjson ? [figure('', ours, 'the same with `orjson.loads`', parsers.orjson)] : []),
    figure('', ours, '`readline` and `JSON.parse`', readline, AGAINST_READLINE),
    cpu,
    ...(json
      ? [
          figure(', over `createReadStream`', stream, 'Python', json),
          figure(', over the wire of S3', wire, 'Python', json),
        ]
      : []),
  ];
}

/** Serves the file as an object of a request bucket, from a separate process. */
async function serve(file: string): Promise<{ url: string; end: () => Promise<void> }> {
  const server = spawn(process.execPath, [fileURLToPath(new URL('files-server.ts', import.meta.url)), file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [address] = (await once(server.stdout, 'data')) as [Buffer];
  const end = async () => {
    server.kill();
    await once(server, 'exit');
  };
  return { url: address.toString().trim(), end };
}

function hasPython(parser: string): boolean {
  try {
    execFileSync('python3', ['-c', `import ${parser}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
