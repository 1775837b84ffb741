/**
 * Reads what a refusal says about the limit on enqueued tokens or requests: part of rule 3 of "What an answer is worth"
 * (docs/architecture.md). Vendors use different texts and change them, so the text or the code alone is enough, and the
 * number may be missing.
 */

/** What a refusal says. */
export interface NamedLimit {
  /** What is limited: input tokens, or requests. */
  counts: 'tokens' | 'requests';
  /** The model or deployment that the vendor names, in the vendor's spelling. */
  name?: string;
  /** How many may be enqueued, a whole number above 0. Absent if the refusal states none. */
  limit?: number;
}

const MAX_TEXT = 2_000; // characters; the sentence comes first
const LIMIT_CODE = /^(enqueued_)?(token|request)s?_(queue_)?limit(_exceeded|_reached)?$/i;
const ABOUT_QUEUE = /\b(enqueued?|queued|batch queue|in (the )?queue)\b/i;
const ABOUT_LIMIT = /\b(limit(s|ed)?|quota|surpass(ed|es)?|exceed(s|ed|ing)?|too many|maximum)\b/i;
const ABOUT_TOKENS = /\btokens?\b/i;
const ABOUT_REQUESTS = /\brequests?\b/i;

/**
 * `90000`, `1,000,000`, `9,00,000`, `1 000 000`, `30.000`, `1_000`, `2'000` or `1.5`, perhaps followed by a unit such
 * as `K` or `million`. A number with any other continuation is not read.
 */
const SEPARATOR = "[,._' \\u00a0\\u2009\\u202f]";
const DIGITS = `\\d{1,3}(?:${SEPARATOR}\\d{2,3})*${SEPARATOR}\\d{3}|\\d{1,16}(?:[.,]\\d{1,2})?`;
const NUMBER = `(${DIGITS})(?![.,]?\\d)\\s?(k|m|b|thousand|million|billion)?(?![a-z0-9])`;
/** Excludes numbers that state what is in use, not the limit. */
const NOT_IN_USE =
  '(?!\\s?(?:\\w{1,20} ){0,3}(?:in use|used|remaining|available|left|already|requested|currently)\\b)';
const NUMBER_AFTER_LIMIT = new RegExp(
  `\\b(?:limit|quota|maximum|max)s?\\s?(?:\\(|\\[|:|=|is|of|was|at|to)?\\s?(?:set (?:to|at) )?\\s?["'\`]?${NUMBER}`,
  'i',
);
const OTHER_NUMBERS = [
  // `20000 of 90000 enqueued tokens`, `1,000 tokens remaining out of 90,000`
  new RegExp(`\\d (?:\\w{1,20} ){0,3}?(?:out )?of (?:the |your |a )?(?:limit of )?${NUMBER}`, 'i'),
  // `the maximum number of enqueued tokens (90,000)`
  new RegExp(`\\bof (?:en)?queued (?:\\w{1,20} )?(?:tokens|requests) ?(?:\\(|is |: ?|= ?)${NUMBER}`, 'i'),
  // `limit reached for gpt-4o: 90,000`
  new RegExp(`\\b(?:reached|exceeded)\\b[^:]{0,120}: ?${NUMBER}${NOT_IN_USE}`, 'i'),
  // `90,000 enqueued tokens`
  new RegExp(
    `(?<![\\w.,-])${NUMBER}\\s?(?:enqueued|queued)[ -](?:\\w{1,20} )?(?:tokens?|requests?)${NOT_IN_USE}`,
    'i',
  ),
];
const UNITS: Readonly<Record<string, number>> = {
  k: 1e3,
  thousand: 1e3,
  m: 1e6,
  million: 1e6,
  b: 1e9,
  billion: 1e9,
};

const QUOTED_NAME = /\b(?:model|deployment)\s?(?:named |:|=)?\s?(["'`‘“])([^"'`’”]{1,200})["'`’”]/i;
const NAMES = [
  /\b(?:reached|exceeded|surpassed|hit) (?:for|by|on) (?:the )?(?:(?:model|deployment)[: ] ?)?([^\s"'`,;()]{1,200})/i,
  /\bfor (?:the )?(?:model|deployment)[: ] ?([^\s"'`,;()]{1,200})/i,
  /\b(?:model|deployment)[:=] ?([^\s"'`,;()]{1,200})/i,
];
/** Words that may stand in the place of a name. */
const NO_NAMES: ReadonlySet<string> = new Set(
  'a an the this that your our all any organization organisation org project account subscription resource batch batches model deployment in key api_key user team tenant end_user'.split(
    ' ',
  ),
);

const OPEN_BATCHES =
  /\b(?:too many|maximum (?:number )?of|limit (?:of|on|for)|limit reached for) [^.]{0,60}\b(?:batches|batch jobs)\b|\bbatch(?:es| jobs?)? (?:limit|quota) (?:is |was |has been )?(?:reached|exceeded|exhausted)|\bbatch(?:es)? (?:job )?queue (?:[\w-]+ ){0,5}full\b|\bbatches (?:are |already |currently )*(?:in[ _-]progress|active|open|running|pending|queued)\b[^.]{0,60}\b(?:limit|max)/i;
const ONE_BATCH = /\bper batch\b|\bbatch (?:file )?size\b|\bof (?:a|one|the) batch\b/i;

/** Returns whether a refusal says that too many batches are open. The limits on the size of one batch do not count. */
export function isAboutOpenBatches(text: string): boolean {
  const said = text.slice(0, MAX_TEXT);
  return OPEN_BATCHES.test(said) && !ONE_BATCH.test(said);
}

/**
 * Returns what a refusal says about the enqueued limit; undefined if it is about something else, such as a rate.
 * `text`: the vendor's message. `code`: the vendor's code, if any.
 */
export function enqueuedLimitIn(text: string, code?: string | null): NamedLimit | undefined {
  const said = text.slice(0, MAX_TEXT);
  const words = said.replaceAll(/[_-]/g, ' ');
  const codeSays = LIMIT_CODE.exec(code ?? '')?.[2]?.toLowerCase();
  if (codeSays === undefined && !isAboutQueue(words)) return undefined;
  const name = nameIn(said);
  const limit = numberIn(said);
  return {
    counts: countedIn(words, codeSays),
    ...(name === undefined ? {} : { name }),
    ...(limit === undefined ? {} : { limit }),
  };
}

function isAboutQueue(said: string): boolean {
  const isCounted = ABOUT_TOKENS.test(said) || ABOUT_REQUESTS.test(said);
  return isCounted && ABOUT_QUEUE.test(said) && ABOUT_LIMIT.test(said);
}

/** The word that comes first in the text decides, because a refusal for one limit may mention the other. */
function countedIn(said: string, codeSays: string | undefined): NamedLimit['counts'] {
  const [tokens, requests] = [said.search(ABOUT_TOKENS), said.search(ABOUT_REQUESTS)];
  if (requests >= 0 && (tokens < 0 || requests < tokens)) return 'requests';
  return tokens < 0 && codeSays === 'request' ? 'requests' : 'tokens';
}

function nameIn(said: string): string | undefined {
  const quoted = QUOTED_NAME.exec(said)?.[2]?.trim();
  if (quoted !== undefined && quoted !== '') return quoted;
  for (const pattern of NAMES) {
    const name = pattern.exec(said)?.[1]?.replace(/[.:!?]+$/, '') ?? '';
    if (name !== '' && !NO_NAMES.has(name.toLowerCase())) return name;
  }
  return undefined;
}

function numberIn(said: string): number | undefined {
  const pattern = [NUMBER_AFTER_LIMIT, ...OTHER_NUMBERS].find((one) => one.test(said));
  const [, digits, unit] = pattern?.exec(said) ?? [];
  if (digits === undefined) return undefined;
  const factor = UNITS[unit?.toLowerCase() ?? ''] ?? 1;
  const value = Math.round(amountOf(digits, factor > 1) * factor);
  return value > 0 && Number.isSafeInteger(value) ? value : undefined;
}

/**
 * A single `.` or `,` before one or two digits is a decimal point: `1.5M`. Before a unit, so is a single `.` before
 * three digits: `1.250M`, but not `1,000K`.
 */
function amountOf(digits: string, hasUnit: boolean): number {
  const [, whole, fraction] = /^(\d+)[.,](\d{1,2})$/.exec(digits) ?? [];
  if (whole !== undefined && fraction !== undefined) return Number(`${whole}.${fraction}`);
  if (hasUnit && /^\d{1,3}\.\d{3}$/.test(digits)) return Number(digits);
  return Number(digits.replace(/\D/g, ''));
}
