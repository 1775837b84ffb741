import { Duration, Token } from 'aws-cdk-lib';

/** The only completion window that OpenAI accepts. */
export const OPENAI_WINDOW = '24h';

/**
 * Returns the length of a completion window. The length of a token is unknown at synth, so it counts as OpenAI's
 * window.
 */
export function windowLength(completionWindow: string): Duration {
  const text = Token.isUnresolved(completionWindow) ? OPENAI_WINDOW : completionWindow;
  const count = Number.parseInt(text, 10);
  return text.endsWith('d') ? Duration.days(count) : Duration.hours(count);
}
