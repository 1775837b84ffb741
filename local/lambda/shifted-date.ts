/**
 * Shifts `Date.now()`, `new Date()` and `Date()` of this process from wall time. The returned function sets the
 * difference in milliseconds. Only function processes call this, before they load their bundle, which is unchanged.
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

/** Returns the wall time in milliseconds since the epoch, regardless of the shift. */
export function wallTime(): number {
  return performance.timeOrigin + performance.now();
}
