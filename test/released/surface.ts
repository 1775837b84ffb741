/**
 * The public surface of a release: every declaration that `batchdrop` and `batchdrop/events` export, and the schemas of
 * the events. Later releases may only add to it, unless they increase the major version (before 1.0: the minor
 * version).
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as contract from '../../functions/shared/contract/index.ts';

export const RELEASED = fileURLToPath(new URL('./', import.meta.url));

/** Returns the files that record a release, by name. */
export function releaseOf(packageDirectory: string): Record<string, string> {
  const manifest = readFileSync(join(packageDirectory, 'package.json'), 'utf8');
  const { version, exports } = JSON.parse(manifest);
  const declarations = (path: string) => {
    const found = declarationsBehind(join(packageDirectory, exports[path].require.types));
    return `${[...found.values()].map((lines) => lines.join('\n')).join('\n\n')}\n`;
  };
  const schemas = Object.entries(contract).filter(([name]) => name.endsWith('Schema'));
  return {
    'version.txt': `${version}\n`,
    'batchdrop.d.ts.txt': declarations('.'),
    'events.d.ts.txt': declarations('./events'),
    'schemas.json.txt': `${JSON.stringify(Object.fromEntries(schemas), null, 2)}\n`,
  };
}

/**
 * Returns every declaration that an entry file exports, without comments, by name. It includes declarations that the
 * exporting files do not export, because the members of a base interface are also visible.
 */
function declarationsBehind(entry: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const [, names = '', from = ''] of textOf(entry).matchAll(
    /^export (?:type )?\{([^}]+)\} from '([^']+)';$/gm,
  )) {
    const inFile = declarationsIn(textOf(join(dirname(entry), from.replace(/\.js$/, '.d.ts'))));
    const wanted = new Set([...names.matchAll(/(?:type )?(\w+)(?:,|\s*$)/g)].map(([, name = '']) => name));
    for (const [name, lines] of inFile) {
      if (wanted.has(name) || !/^export /.test(lines[0] ?? '')) found.set(name, lines);
    }
    for (const name of wanted)
      if (!found.has(name)) throw new Error(`${entry} exports ${name}, which ${from} does not declare`);
  }
  if (found.size === 0) throw new Error(`${entry} exports nothing`);
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

const DECLARATION = /^(?:export )?(?:declare )?(?:abstract )?(?:class|interface|type|const|function) (\w+)/;

/** Returns the declarations in a text without comments: their lines, by name. */
export function declarationsIn(text: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  let current: string[] | undefined;
  for (const line of text.split('\n')) {
    const [, name] = DECLARATION.exec(line) ?? [];
    if (name !== undefined) {
      current = [line];
      found.set(name, current);
    } else if (/^(import|export) /.test(line)) current = undefined;
    else if (line.trim() !== '') current?.push(line);
  }
  return found;
}

function textOf(file: string): string {
  return readFileSync(file, 'utf8').replace(/^\s*\/\*[\s\S]*?\*\/\n?/gm, '');
}

/** Returns what was removed from or changed in the former declarations, one sentence each. */
export function changesOfDeclarations(former: string, present: string): string[] {
  const now = declarationsIn(present);
  return [...declarationsIn(former)].flatMap(([name, lines]) => {
    const there = now.get(name);
    if (there === undefined) return [`${name} was removed`];
    return lines
      .filter((line) => !there.some((other) => other === line || isLonger(line, other)))
      .map((line) => `${name}: "${line.trim()}" was removed or changed`);
  });
}

/** Returns true for a list of values that grew, such as `readonly ["a", "b"]` to `readonly ["a", "b", "c"]`. */
function isLonger(former: string, present: string): boolean {
  const [before, after] = [former, present].map((line) => /^(.*readonly )\[(.*)\](;?)$/.exec(line));
  if (!before || !after || before[1] !== after[1]) return false;
  const kept = new Set(after[2]?.split(', '));
  return (before[2] ?? '').split(', ').every((value) => kept.has(value));
}

/**
 * Returns the incompatible changes between two schemas, one path each. Objects may gain fields, and a field may become
 * required. But in messages that others send to Batchdrop, no field may become required.
 */
export function changesOfSchema(
  former: unknown,
  present: unknown,
  path: string,
  sentByOthers: boolean,
): string[] {
  if (!isObject(former) || !isObject(present)) {
    return JSON.stringify(former) === JSON.stringify(present)
      ? []
      : [`${path}: ${JSON.stringify(former)} became ${JSON.stringify(present)}`];
  }
  const changes = Object.keys(former).flatMap((key) => {
    const here = `${path}/${key}`;
    const [before, after] = [former[key], present[key]];
    if (after === undefined) return [`${here} was removed`];
    if (key === 'required' && Array.isArray(before) && Array.isArray(after) && !sentByOthers) {
      return before.filter((name) => !after.includes(name)).map((name) => `${here}: ${name} was removed`);
    }
    if (Array.isArray(before) && Array.isArray(after) && before.length === after.length) {
      return before.flatMap((entry, at) => changesOfSchema(entry, after[at], `${here}/${at}`, sentByOthers));
    }
    return changesOfSchema(before, after, here, sentByOthers);
  });
  const isFields = path.endsWith('/properties');
  const added = Object.keys(present).filter((key) => !(key in former));
  return isFields ? changes : [...changes, ...added.map((key) => `${path}/${key} was added`)];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Returns true if semantic versioning allows incompatible changes between two versions. */
export function mayBreak(former: string, present: string): boolean {
  const [[a = 0, b = 0], [c = 0, d = 0]] = [former, present].map((version) =>
    version.trim().split('.').map(Number),
  ) as [number[], number[]];
  return c > a || (a === 0 && c === 0 && d > b);
}
