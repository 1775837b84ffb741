import { Duration, Token } from 'aws-cdk-lib';

/** What `24h` or `7d` means. One that a token hides is taken for OpenAI's own; anything else throws a sentence. */
export function windowLength(completionWindow: string): Duration {
  if (Token.isUnresolved(completionWindow)) return Duration.hours(24);
  const [, count, unit] = /^([1-9]\d*)([hd])$/.exec(completionWindow) ?? [];
  if (count === undefined) {
    throw new Error(`completionWindow ${completionWindow}: hours or days, such as 24h or 7d`);
  }
  return unit === 'h' ? Duration.hours(Number(count)) : Duration.days(Number(count));
}
