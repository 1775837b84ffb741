/** What the probes of probes.ts call: notes which mutants could have shown. To be imported before any source with probes. */
let shows = new Set<number>();

/** From now on. */
export function noteShowsIn(set: Set<number>): void {
  shows = set;
}

const mutantProbe = {
  reached(id: number): void {
    shows.add(id);
  },
  compared<T>(id: number, original: () => T, mutant: () => T): T {
    if (shows.has(id)) return original();
    shows.add(id); // stays if one of the two throws
    const value = original();
    if (isSame(value, mutant)) shows.delete(id);
    return value;
  },
};
Object.assign(globalThis, { mutantProbe });

function isSame<T>(value: T, mutant: () => T): boolean {
  try {
    return Object.is(value, mutant());
  } catch {
    return false;
  }
}
