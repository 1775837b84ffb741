import type { ClockReading } from '../clock.ts';

interface ShiftedDate {
  /** Sets the time for an invocation that begins. */
  start(reading: ClockReading): void;
  /** Corrects the time during an invocation, in which it never goes backwards. */
  follow(reading: ClockReading): void;
}

/**
 * Lets `Date.now()`, `new Date()` and `Date()` of this process continue from a reading of the runtime's clock; until
 * there is one, they are the wall clock's. Only function processes call this, before they load their bundle, which is
 * unchanged.
 */
export function installShiftedDate(): ShiftedDate {
  const RealDate = globalThis.Date;
  const wallNow = RealDate.now.bind(RealDate);
  let from: ClockReading = { time: 0, wall: 0, rate: 1 };
  let latest = 0;
  RealDate.now = () => {
    latest = Math.max(latest, Math.floor(from.time + (wallNow() - from.wall) * from.rate));
    return latest;
  };
  const ShiftedDate = new Proxy(RealDate, {
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [RealDate.now()] : args, newTarget),
    apply: () => new RealDate(RealDate.now()).toString(),
  });
  RealDate.prototype.constructor = ShiftedDate; // so that `date.constructor === Date` stays true
  globalThis.Date = ShiftedDate;
  return {
    start: (reading) => {
      from = reading;
      latest = 0; // an idle process may have run ahead
    },
    follow: (reading) => {
      from = reading;
    },
  };
}

/** Returns the wall time in milliseconds since the epoch, regardless of the shift. */
export function wallTime(): number {
  return performance.timeOrigin + performance.now();
}
