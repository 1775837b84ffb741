import { useStore } from '../connection/use-store.ts';
import { useConsole } from '../console-context.ts';
import { clockText, momentText, roughSpan, span, spanLeft } from '../words/times.ts';

/** How long ago something was: `4 min`. The exact time is its title. */
export function Age({ since }: { since: string }) {
  const now = useStore(useConsole().clock.time);
  return (
    <time dateTime={since} title={momentText(since)}>
      {roughSpan(now - Date.parse(since))}
    </time>
  );
}

/** How long something still takes: `12 min`. */
export function TimeLeft({ until }: { until: string }) {
  const now = useStore(useConsole().clock.time);
  return (
    <time dateTime={until} title={momentText(until)}>
      {spanLeft(Date.parse(until) - now)}
    </time>
  );
}

/** How long something has lasted: `3 h 5 min`. Without an end, until now. */
export function Lasted({ from, to }: { from: string; to: string | undefined }) {
  const now = useStore(useConsole().clock.time);
  return <>{span((to === undefined ? now : Date.parse(to)) - Date.parse(from))}</>;
}

/** A time of the clock: `10:26:04`. The date is its title. */
export function ClockTime({ at }: { at: string }) {
  return (
    <time dateTime={at} title={momentText(at)}>
      {clockText(at)}
    </time>
  );
}
