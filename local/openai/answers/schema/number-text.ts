/** Numbers for a schema with `minimum`, `maximum`, `exclusiveMinimum`, `exclusiveMaximum` and `multipleOf`. */
import type { Random } from '../../faults/seeded-random.ts';
import type { Json, JsonObject } from '../../json.ts';

const USUAL_RANGE = 100;
const USUAL_STEPS = [1e-2, 1e-4, 1e-8, 1e-12];
const LARGEST = 1e15;
const NEIGHBOURS = 1_000;

/** Returns a maker of numbers that the schema allows, as JSON text. */
export function numberText(schema: JsonObject, isInteger: boolean): (random: Random) => string {
  const range = rangeOf(schema);
  const { multipleOf } = schema;
  const step = typeof multipleOf === 'number' && multipleOf > 0 ? multipleOf : null;
  const steps = step === null ? (isInteger ? [1] : USUAL_STEPS) : [step];
  const isAllowed = (value: number) =>
    range.includes(value) &&
    (!isInteger || Number.isInteger(value)) &&
    (step === null || Number.isInteger(value / step));
  const middle = range.low + (range.high - range.low) / 2;
  return (random) => {
    const at = range.low + random() * (range.high - range.low);
    for (const size of steps) {
      const found = nearest(at, size, isAllowed);
      if (found !== null) return JSON.stringify(found);
    }
    return JSON.stringify(isInteger ? Math.ceil(middle) : middle); // a range that allows nothing, or next to nothing
  };
}

interface NumberRange {
  readonly low: number;
  readonly high: number;
  readonly includes: (value: number) => boolean;
}

function rangeOf(schema: JsonObject): NumberRange {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema;
  const floor = Math.max(numberOr(minimum, -LARGEST), numberOr(exclusiveMinimum, -LARGEST));
  const ceiling = Math.min(numberOr(maximum, LARGEST), numberOr(exclusiveMaximum, LARGEST));
  const low = floor > -LARGEST ? floor : ceiling > 0 ? 0 : ceiling - USUAL_RANGE;
  const step = numberOr(schema.multipleOf, 0);
  const high = ceiling < LARGEST ? ceiling : low + Math.max(USUAL_RANGE, step * 10);
  // Draft 4 has booleans here, which exclude the minimum or the maximum.
  const isAboveFloor = (value: number) =>
    value >= floor && !(value === exclusiveMinimum || (exclusiveMinimum === true && value === minimum));
  const isBelowCeiling = (value: number) =>
    value <= ceiling && !(value === exclusiveMaximum || (exclusiveMaximum === true && value === maximum));
  return { low, high, includes: (value) => isAboveFloor(value) && isBelowCeiling(value) };
}

/** Returns the allowed multiple of `size` that is nearest to `at`; null if none is near. */
function nearest(at: number, size: number, isAllowed: (value: number) => boolean): number | null {
  const start = Math.round(at / size);
  for (let distance = 0; distance <= NEIGHBOURS; distance += 1) {
    for (const count of distance === 0 ? [start] : [start - distance, start + distance]) {
      // With the digits of the size, because 3 × 0.1 is 0.30000000000000004.
      const value = Number((count * size).toPrecision(15));
      if (isAllowed(value)) return value === 0 ? 0 : value;
    }
  }
  return null;
}

function numberOr(value: Json | undefined, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise;
}
