/**
 * Makes `Date.now()`, `new Date()` and `Date()` of this process tell another time than the wall's. The answer sets
 * by how many milliseconds. Only function processes call it, before their bundle is loaded: bundles know nothing of it.
 */
export function installShiftedDate(): (offset: number) => void {
  const RealDate = globalThis.Date;
  const wallNow = RealDate.now.bind(RealDate);
  let shift = 0;
  RealDate.now = () => wallNow() + shift;
  const ShiftedDate = new Proxy(RealDate, {
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [RealDate.now()] : args, newTarget),
    apply: () => new RealDate(RealDate.now()).toString(),
  });
  RealDate.prototype.constructor = ShiftedDate; // so that `date.constructor === Date` stays true
  globalThis.Date = ShiftedDate;
  return (offset) => {
    shift = offset;
  };
}

/** Milliseconds since the epoch by the wall, whatever `Date` was made to say. */
export function wallTime(): number {
  return performance.timeOrigin + performance.now();
}
