import { readFile } from 'node:fs/promises';
import { parsePriceSettings } from '../../functions/shared/contract/price-settings.ts';
import { Failure } from '../terminal/failure.ts';

/** Returns the prices of a file as JSON on one line. Throws a Failure with every problem of the file. */
export async function pricesIn(file: string): Promise<string> {
  const json = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new Failure(`--prices: ${file} cannot be read: ${cause instanceof Error ? cause.message : cause}`);
  });
  const parsed = parsePriceSettings(json);
  if ('problems' in parsed) throw new Failure(`--prices ${file}:`, { lines: parsed.problems });
  return JSON.stringify(parsed.settings);
}
