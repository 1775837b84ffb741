import { InvalidArgumentError } from 'commander';

/** Returns a parser for an option whose value is a whole number from `least` to `most`. */
export function wholeNumber(name: string, least: number, most: number): (value: string) => number {
  return (value) => {
    const number = Number(value);
    if (/^\d+$/.test(value) && number >= least && number <= most) return number;
    throw new InvalidArgumentError(`${name} must be a whole number from ${least} to ${most}.`);
  };
}
