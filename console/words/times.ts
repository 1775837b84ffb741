const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Returns `12 s`, `4 min`, `3 h` or `5 d`. */
export function roughSpan(milliseconds: number): string {
  const span = Math.max(0, milliseconds);
  if (span < MINUTE) return `${Math.floor(span / SECOND)} s`;
  if (span < HOUR) return `${Math.floor(span / MINUTE)} min`;
  if (span < 2 * DAY) return `${Math.floor(span / HOUR)} h`;
  return `${Math.floor(span / DAY)} d`;
}

/** Returns `12 s`, `4 min 10 s`, `3 h 5 min` or `5 d 2 h`. */
export function span(milliseconds: number): string {
  const whole = Math.max(0, milliseconds);
  const two = (one: number, unit: string, other: number, small: string) => {
    const first = Math.floor(whole / one);
    const second = Math.floor((whole % one) / other);
    return second === 0 ? `${first} ${unit}` : `${first} ${unit} ${second} ${small}`;
  };
  if (whole < MINUTE) return `${Math.floor(whole / SECOND)} s`;
  if (whole < HOUR) return two(MINUTE, 'min', SECOND, 's');
  return whole < DAY ? two(HOUR, 'h', MINUTE, 'min') : two(DAY, 'd', HOUR, 'h');
}

/** Returns how long something still takes: `12 min`; `soon` for what should be over. */
export function spanLeft(milliseconds: number): string {
  return milliseconds < SECOND ? 'soon' : roughSpan(milliseconds);
}

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });
const dayOfYear = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });

/** Returns `10:26:04`, in the time zone of the reader. */
export const clockText = (time: string): string => clock.format(Date.parse(time));

/** Returns `29 Nov, 10:00`. */
export const hourText = (time: string): string => `${dayText(time)}, ${clockText(time).slice(0, 5)}`;

/** Returns `29 Nov` for a time, or for a day such as `2026-11-29`. */
export const dayText = (time: string): string =>
  day.format(/^\d{4}-\d\d-\d\d$/.test(time) ? new Date(`${time}T12:00`) : Date.parse(time));

/** Returns `29 Nov 2026, 10:26:04`. */
export const momentText = (time: string): string =>
  `${dayOfYear.format(Date.parse(time))}, ${clockText(time)}`;
