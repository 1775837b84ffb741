/**
 * A setting in `NODE_OPTIONS` for functions that stream gigabytes. A chunk of a file is garbage after it is read, but
 * V8 counts only the few bytes that JavaScript allocates with it. If the young generation is not collected often
 * enough, chunks accumulate until V8 marks the whole heap. This would take 50 MB of INTAKE's memory and a third of
 * DELIVER's CPU time.
 */
export const SMALL_YOUNG_GENERATION = '--max-semi-space-size=1';
