import { isObject, textOf } from './loose-fields.ts';

/*
 * Rule 2 of "What an answer is worth" (docs/architecture.md): only an error in the API's own format is a refusal. It is
 * JSON of the form `{"error": {"message": "…"}}`, or `{"detail": …}` as FastAPI writes it. A proxy's page, a redirect,
 * an empty body and an API gateway's `{"message": "…"}` come from something in front of the API.
 */

const MAX_SAID = 500;
const MAX_CODE = 64;

/** A refusal in the API's own format. */
export interface OwnWord {
  /** The API's code, or else its type; `refused` if it named none. */
  code: string;
  /** Its code and its type as one text, for matching. */
  codes: string;
  /** At most 500 characters. */
  message: string;
  /** The parameter that the refusal is about. */
  param?: string;
}

/** Returns the refusal in a response's body; undefined if the body does not have the API's error format. */
export function ownWord(body: unknown): OwnWord | undefined {
  if (!isObject<{ error: unknown; detail: unknown }>(body)) return undefined;
  const error = isObject<{ code: unknown; type: unknown; message: unknown; param: unknown }>(body.error)
    ? body.error
    : undefined;
  const message = textOf(error?.message) ?? (error === undefined ? detailOf(body.detail) : undefined);
  if (message === undefined) return undefined;
  const [code, type, param] = [textOf(error?.code), textOf(error?.type), textOf(error?.param)];
  return {
    code: (code ?? type ?? 'refused').slice(0, MAX_CODE),
    codes: [code ?? '', type ?? ''].join(' ').slice(0, 2 * MAX_CODE),
    message: message.slice(0, MAX_SAID).toWellFormed(),
    ...(param === undefined ? {} : { param }),
  };
}

/** FastAPI's `detail` is a text, a list of findings that have a `msg`, or any object. */
function detailOf(detail: unknown): string | undefined {
  const found = Array.isArray(detail) ? detail : [detail];
  const texts = found.flatMap((each) => {
    if (!isObject<{ msg: unknown; message: unknown; error: unknown }>(each)) return textOf(each) ?? [];
    return textOf(each.msg) ?? textOf(each.message) ?? textOf(each.error) ?? [];
  });
  return texts.length === 0 ? undefined : texts.join('; ');
}
