/** Returns `1,234`. Node's own formats take a tenth of a command's time to load. */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Returns `1 row` or `1,234 rows`. */
export function counted(count: number, one: string, many: string): string {
  return `${grouped(count)} ${count === 1 ? one : many}`;
}

/** Returns `950`, `12.3 k` or `1.2 M`, for numbers that are not exact. */
export function rounded(count: number): string {
  for (const [unit, size] of [
    ['B', 1e9],
    ['M', 1e6],
    ['k', 1e3],
  ] as const) {
    if (count >= size) return `${(count / size).toFixed(1)} ${unit}`;
  }
  return grouped(Math.round(count));
}

/** Returns `517 bytes` or `12.3 MB`, in powers of ten, as OpenAI states its limits. */
export function bytesShown(bytes: number): string {
  for (const [unit, size] of [
    ['GB', 1e9],
    ['MB', 1e6],
    ['kB', 1e3],
  ] as const) {
    if (bytes >= size) return `${(bytes / size).toFixed(1)} ${unit}`;
  }
  return counted(bytes, 'byte', 'bytes');
}

/** Returns `2026-11-20 17:32`, in UTC, for milliseconds since the epoch. */
export function momentShown(at: number): string {
  return new Date(at).toISOString().slice(0, 16).replace('T', ' ');
}

/** Returns `45 s`, `12 min`, `3 h`, `5 d`: a duration in milliseconds, in its largest unit. */
export function durationShown(milliseconds: number): string {
  const seconds = Math.max(Math.round(milliseconds / 1_000), 0);
  if (seconds < 90) return `${seconds} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  return seconds < 48 * 3_600 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} d`;
}

/** Returns `45s`, `12m`, `3h`, `5d`: the same for a table. */
export function ageShown(milliseconds: number): string {
  return durationShown(milliseconds).replace(/ ([smhd]).*/, '$1');
}

/** Returns `0:07` or `2:05:09` for a duration in milliseconds. */
export function timeShown(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1_000);
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60];
  const two = (number: number) => String(number).padStart(2, '0');
  return `${hours > 0 ? `${hours}:${two(minutes)}` : minutes}:${two(seconds % 60)}`;
}
