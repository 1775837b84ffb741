import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { seededRandom, shuffled } from '../fakes/seeded-random.ts';
import { type Defect, defectsAt } from './operators.ts';
import { type Probe, probeAt } from './probes.ts';
import { placesOf } from './syntax.ts';

/** A defect in one place of one file of the core. */
export interface Mutant extends Defect {
  file: string;
  line: number;
  start: number;
  end: number;
  probe: Probe;
}

/** What decides: not what a Lambda is made of, not what translates for an outside thing, no schemas and examples. */
export function isCore(file: string): boolean {
  return (
    /^functions\/.+\.ts$/.test(file) &&
    !/^functions\/[^/]+\/(index|env)\.ts$/.test(file) &&
    !/^functions\/shared\/(adapters|scanner\/assembly)\//.test(file) &&
    !/^functions\/shared\/(contract\/(examples|schemas)|scanner\/scanner-bytes)\.ts$/.test(file)
  );
}

/** Every mutant of the core that there could be. */
export function mutantsOfCore(root: string): Mutant[] {
  return readdirSync(join(root, 'functions'), { recursive: true, encoding: 'utf8' })
    .map((path) => posix.join('functions', path))
    .filter(isCore)
    .sort()
    .flatMap((file) => mutantsOf(file, readFileSync(join(root, file), 'utf8')));
}

export function mutantsOf(file: string, source: string): Mutant[] {
  return placesOf(file, source).flatMap((place) => {
    const { start, end } = place.node;
    const line = source.slice(0, start).split('\n').length;
    return defectsAt(place).map((defect) => ({ ...defect, file, line, start, end, probe: probeAt(place) }));
  });
}

/** As many as asked for, each as likely as any other; the same for the same seed. */
export function chosen(mutants: readonly Mutant[], count: number, seed: number): Mutant[] {
  return shuffled(mutants, seededRandom(seed)).slice(0, count);
}

export function planted(source: string, { start, end, replacement }: Mutant): string {
  return source.slice(0, start) + replacement + source.slice(end);
}
