import type { Obstacle } from '../../domain/errors.ts';
import { isAccountCode, isAccountText, unquoted } from '../../domain/waiting/account-refusal.ts';
import { isAboutOpenBatches } from '../../domain/waiting/enqueued-limit.ts';
import type { OwnWord } from './own-word.ts';

/*
 * Rule 3 of "What an answer is worth" (docs/architecture.md): a refusal ends something only if it says that the input
 * is wrong. This file classifies the temporary refusals by the codes and texts of OpenAI and other vendors. The HTTP
 * status alone says little: OpenAI sends 400 for an unpaid account. `account-refusal.ts` has the texts about the
 * account, and `enqueued-limit.ts` those about open batches, because a failed batch may contain them too. Quoted parts
 * of a refusal are ignored, because they may be the user's own text.
 */

/** The call that was refused. */
export type Call = 'upload' | 'create' | 'file' | 'other';

/**
 * What a refusal means. `gone`: the file or batch does not exist. `final`: the input is wrong. `passing` without
 * `waitsFor`: a later try may succeed; it is counted unless the API stated a time to wait.
 */
export type Verdict =
  | { is: 'passing'; waitsFor?: Obstacle; isRate?: true }
  | { is: 'key' }
  | { is: 'gone' }
  | { is: 'final' };

/** Classifies a refusal in the API's own format. */
export function sortRefusal(status: number, word: OwnWord, call: Call): Verdict {
  const obstacle = obstacleIn(status, word, call);
  if (obstacle !== undefined) return { is: 'passing', waitsFor: obstacle };
  if (status === 401 || status === 403) return { is: 'key' };
  if (status === 429 || isRate(word)) return { is: 'passing', isRate: true };
  if (status < 400 || status >= 500 || status === 408 || PASSING.test(word.message)) {
    return { is: 'passing', waitsFor: 'unreachable' };
  }
  if (status === 404 || status === 410) return withoutResource(word, call);
  if (call === 'file' && NOT_FOUND.test(unquoted(word.message))) return { is: 'gone' };
  return INPUT_IS_WRONG.has(status) ? { is: 'final' } : { is: 'passing' };
}

const INPUT_IS_WRONG: ReadonlySet<number> = new Set([400, 413, 415, 422]);

/** Classifies a 404 in the API's own format. */
function withoutResource({ code, message }: OwnWord, call: Call): Verdict {
  if (call === 'upload') return { is: 'passing', waitsFor: 'unreachable' }; // the base URL is wrong, not the file
  if (call !== 'create') return { is: 'gone' };
  // A create names only one resource of the API, its file. Anything else that is unknown is part of the input.
  return INPUT.test(`${code} ${message}`) ? { is: 'final' } : { is: 'passing', waitsFor: 'not_visible' };
}

const INPUT = /\b(model|deployment|endpoint|completion.window)/i;

function obstacleIn(status: number, word: OwnWord, call: Call): Obstacle | undefined {
  const { codes } = word;
  const text = isAboutInput(word) ? '' : unquoted(word.message);
  if (ENQUEUED_CODE.test(codes) || ENQUEUED.test(text)) return 'token_limit';
  if (isAboutOpenBatches(text) && !isRate(word)) return 'token_limit';
  if (isSending(call) && (status === 507 || isStorage(codes, text))) return 'storage';
  if (isAccountCode(codes) || status === 402) return 'account';
  // A refusal for the key or the rate may advertise a larger plan.
  if (status !== 401 && !isRate(word) && isAccountText(text)) return 'account';
  return status < 429 && isNotVisible(word, text, call) ? 'not_visible' : undefined;
}

function isSending(call: Call): boolean {
  return call === 'upload' || call === 'create';
}

function isStorage(codes: string, text: string): boolean {
  return !TOO_LARGE.test(text) && (STORAGE_CODE.test(codes) || STORAGE.test(text));
}

function isNotVisible(word: OwnWord, text: string, call: Call): boolean {
  if (call !== 'create' && call !== 'file') return false;
  if (NOT_YET_CODE.test(word.codes) || (!isAboutInput(word) && FILE_STATUS.test(word.message))) return true;
  return NOT_YET.test(text) || (call === 'create' && NOT_FOUND.test(text) && !INPUT.test(text));
}

function isRate({ codes, message }: OwnWord): boolean {
  return RATE.test(codes) || RATE.test(message.replaceAll(/https?:\S+/g, ''));
}

/** Returns whether the refusal is about a parameter and may repeat its text. */
function isAboutInput({ param }: OwnWord): boolean {
  return param !== undefined && /^(metadata|endpoint|completion_window|purpose)/.test(param);
}

/** Too much is enqueued: tokens, requests or batches. */
const ENQUEUED_CODE = /token_?limit_?exceeded|enqueued/i;
const ENQUEUED =
  /\benqueued[ _-](?:token|request|prompt|batch)|\b(?:tokens?|requests?|batch(?:es)?) (?:are |already |currently )*enqueued/i;

/** The account has too many files, or too many bytes in files. */
const STORAGE_CODE = /storage|(?:file|files)_?(?:count_?)?(?:limit|quota)|too_?many_?files/i;
const STORAGE =
  /\bstorage\b|\bfile (?:count|quota)\b|\bfiles? (?:quota|count)\b|\b(?:number|count|quota|limit|amount) of (?:[\w-]+ ){0,2}files\b|\btoo many (?:[\w-]+ ){0,2}files\b|\bmax(?:imum)?\.? (?:of )?(?:\d[\d,.]* )?(?:[\w-]+ ){0,1}files\b|\bfiles? limit\b(?!.{0,40}\d ?m?i?b)|\b\d[\d,.]* files\b|\b(?:size|bytes) of (?:all|the) (?:[\w-]+ ){0,2}files\b|\bdisk (?:space|quota|is full)|\bno space left\b/i;
/** One file is too large. More storage does not help. */
const TOO_LARGE =
  /\b(?:file|it|upload|body|payload|request) (?:is )?too (?:large|big|long)|\blarger than\b|\bfile.?size\b|\bmax(?:imum)? (?:allowed |upload )?size\b|\bper file\b/i;

/** The file exists but is not ready. Its status is usually quoted, and is not the user's text. */
const NOT_YET_CODE = /file_?(?:is_?)?(?:not_?(?:yet_?)?(?:ready|processed|available)|pending|processing)/i;
const FILE_STATUS =
  /\bfiles?\b.{0,300}\b(?:status|state)\b(?: of| is| was|:| =)? ?["'`]?(?:not ?started|pending|processing|uploading|importing|running|processed)\b|\bfiles?\b.{0,300}\b(?:be|in)\b.{0,12}\bprocessed["'`]? (?:status|state)\b/is;
const NOT_YET =
  /\bfile\b[^.]{0,300}\b(?:pending|not (?:yet )?(?:been )?(?:ready|processed|available|uploaded)|(?:still |being |currently )+(?:process|upload|import)\w*|in progress)/i;
const NOT_FOUND =
  /\b(?:can ?not|can't|could not|couldn't|unable to|failed to) (?:find|locate|access|retrieve|open|resolve)\b[^.]{0,300}\bfile|\b(?:no|unknown) (?:such )?(?:input )?file\b|\bfile\b.{0,1200}?(?:\bnot (?:be )?(?:found|accessible|visible|exist)|\bdoes(?:n't| not) (?:exist|have access)|\bno longer exists)|\b(?:unknown|invalid|nonexistent) (?:input[ _])?file[ _]id\b|(?:\b|_)file[ _]id (?:[\w-]+ )?(?:is|was) (?:unknown|invalid|not valid|nonexistent)\b/is;

/** The call came too early, or the API had a problem. */
const RATE =
  /\brate.?limit|\btoo many requests\b|\bslow down\b|\b(?:per|an|a|each) (?:second|sec|minute|min|hour|day)\b|\bhourly\b/i;
const PASSING =
  /\btemporar|\b(?:try|retry)(?: your request| it)? (?:again )?(?:later|soon|shortly|in (?:a|\d)|after \d)|\boverloaded\b|\bservice (?:is )?(?:currently )?unavailable|\bcurrently unavailable\b|\bunder maintenance\b|\binternal (?:server )?error\b|\btimed? ?out\b/i;
