import { InvalidArgumentError } from 'commander';

/** Parses the value of an option: a whole number in bounds. */
export function wholeNumber(name: string, least: number, most: number): (value: string) => number {
  return (value) => {
    const number = Number(value);
    if (/^\d+$/.test(value) && number >= least && number <= most) return number;
    throw new InvalidArgumentError(`${name} has to be a whole number from ${least} to ${most}.`);
  };
}
