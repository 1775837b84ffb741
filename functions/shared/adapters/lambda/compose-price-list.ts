import { parsePriceSettings } from '../../contract/price-settings.ts';
import { PriceList } from '../../domain/money/price-list.ts';

/** The prices as the construct writes them into the environment. Throws sentences for anything else. */
export function createPriceList(json: string | undefined): PriceList {
  if (json === undefined) return new PriceList();
  const parsed = parsePriceSettings(json);
  if ('problems' in parsed) throw new Error(parsed.problems.join('\n'));
  return new PriceList(parsed.settings);
}
