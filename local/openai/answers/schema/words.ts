import type { Random } from '../../faults/seeded-random.ts';

const WORDS = (
  'amber apple arrow autumn basket blue bridge bright calm candle cedar clear cloud copper coral cotton creek dawn ' +
  'delta early ember even fair field first forest garden gentle glass golden grain green harbor hazel hill honey island ' +
  'ivory juniper kind lake lantern large leaf lemon light linen little maple marble meadow mild mint morning mountain ' +
  'north ocean olive open orange paper pearl pine plain plum quiet rain river rose round sage sand silver simple small ' +
  'soft south spring steady stone summer sun tall tidy timber valley velvet violet warm water west white willow wind winter'
).split(' ');

/** Returns one word of lower-case letters. */
export function word(random: Random): string {
  return WORDS[Math.floor(random() * WORDS.length)] ?? 'word';
}

/** Returns one to four words. */
export function words(random: Random): string {
  let text = word(random);
  for (let more = Math.floor(random() * 4); more > 0; more -= 1) text += ` ${word(random)}`;
  return text;
}
