/** What the vendors of docs/vendors.md take, as far as it can be known at synth. A test compares it with their profiles. */
import { Token } from 'aws-cdk-lib';
import { OPENAI_BASE_URL, parseBaseUrl } from '../../functions/shared/contract/base-url.ts';
import { shown } from './shown.ts';

interface Vendor {
  readonly name: string;
  readonly host: RegExp;
  /** Where their Batch API is. */
  readonly path: string;
  readonly windows: RegExp;
  /** Windows, as a sentence says them. */
  readonly windowsSaid: string;
}

const ONLY_A_DAY = { windows: /^24h$/, windowsSaid: '24h' };
const DAYS = '[1-7]d';
const HOURS_TO_A_WEEK = '(2[4-9]|[3-9]\\d|1[0-5]\\d|16[0-8])h';

const VENDORS: readonly Vendor[] = [
  { name: 'OpenAI', host: /^(\w+\.)?api\.openai\.com$/, path: '/v1', ...ONLY_A_DAY },
  {
    name: 'Groq',
    host: /^api\.groq\.com$/,
    path: '/openai/v1',
    windows: new RegExp(`^(${DAYS}|${HOURS_TO_A_WEEK})$`),
    windowsSaid: '24h, or up to 7d',
  },
  { name: 'Azure OpenAI', host: /\.openai\.azure\.com$/, path: '/openai/v1', ...ONLY_A_DAY },
  { name: 'DeepInfra', host: /^api\.deepinfra\.com$/, path: '/v1/openai', ...ONLY_A_DAY },
];

const MAX_WINDOW_DAYS = 365; // longer than any vendor keeps a batch

/** Yields what is wrong with the base URL. The functions check one that is a token. */
export function* baseUrlProblems(baseUrl: string | undefined): Generator<string> {
  if (baseUrl === undefined || Token.isUnresolved(baseUrl)) return;
  const base = parseBaseUrl(baseUrl);
  if ('problem' in base) yield `baseUrl ${base.problem}.`;
  else {
    const { origin, pathname } = new URL(base.url);
    const vendor = vendorAt(base.url);
    if (vendor && pathname !== vendor.path)
      yield `baseUrl has the path ${pathname}, but the API of ${vendor.name} has ${vendor.path}; set ${origin}${vendor.path}.`;
  }
}

/** Yields what is wrong with the completion window, for the vendor of the base URL. A token is checked by the API. */
export function* completionWindowProblems(
  completionWindow: string | undefined,
  baseUrl: string = OPENAI_BASE_URL,
): Generator<string> {
  if (completionWindow === undefined || Token.isUnresolved(completionWindow)) return;
  const [, count = '0', unit] = /^([1-9]\d*)([hd])$/.exec(completionWindow) ?? [];
  const days = Number(count) / (unit === 'h' ? 24 : 1);
  if (days === 0 || days > MAX_WINDOW_DAYS) {
    yield `completionWindow is ${shown(completionWindow)}; set hours or days, such as 24h or 7d.`;
    return;
  }
  const vendor = Token.isUnresolved(baseUrl) ? undefined : vendorAt(baseUrl);
  if (vendor && !vendor.windows.test(completionWindow))
    yield `completionWindow is ${shown(completionWindow)}, but ${vendor.name} accepts only ${vendor.windowsSaid}; set one of these, or the baseUrl of another vendor.`;
}

function vendorAt(baseUrl: string): Vendor | undefined {
  if (!URL.canParse(baseUrl)) return undefined;
  const { hostname } = new URL(baseUrl);
  return VENDORS.find(({ host }) => host.test(hostname));
}
