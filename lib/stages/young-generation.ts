/**
 * For functions that stream gigabytes, as `NODE_OPTIONS`. A chunk of a file is garbage once it is read, but V8 counts only
 * the little that JavaScript allocates beside it. If the young generation is not collected often enough, chunks pile up
 * until V8 marks the whole heap instead: of INTAKE's memory this takes 50 MB, of DELIVER's CPU time a third.
 */
export const SMALL_YOUNG_GENERATION = '--max-semi-space-size=1';
