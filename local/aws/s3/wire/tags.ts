import { S3Error } from '../errors.ts';

/** Tags are stored among a version's headers, under this name and in the format of a write. */
export const TAGGING_HEADER = 'x-amz-tagging';

const MAX_TAGS = 10;
const MAX_KEY = 128;
const MAX_VALUE = 256;

type StoredHeaders = Readonly<Record<string, string>>;

/** Returns the tags among stored headers, by key. */
export function tagsIn(headers: StoredHeaders): ReadonlyMap<string, string> {
  return new Map(new URLSearchParams(headers[TAGGING_HEADER] ?? ''));
}

/** Returns the header of a write with these tags. */
export function taggingHeader(tags: readonly (readonly [string, string])[]): string {
  return new URLSearchParams(tags.map(([key, value]): [string, string] => [key, value])).toString();
}

/** Returns the tags if S3 accepts them. Throws S3Error otherwise. */
export function checkedTags(
  tags: readonly (readonly [string, string])[],
): readonly (readonly [string, string])[] {
  if (tags.length > MAX_TAGS) throw new S3Error(400, 'BadRequest', 'Object tags cannot be greater than 10');
  if (new Set(tags.map(([key]) => key)).size < tags.length) {
    throw invalidTag('Cannot provide multiple Tags with the same key');
  }
  for (const [key, value] of tags) {
    if (key === '' || key.length > MAX_KEY) throw invalidTag('The TagKey you have provided is invalid');
    if (value.length > MAX_VALUE) throw invalidTag('The TagValue you have provided is invalid');
  }
  return tags;
}

/** Returns the stored header that contains the tags. */
export function onlyTags({ [TAGGING_HEADER]: tags }: StoredHeaders): Record<string, string> {
  return tags === undefined ? {} : { [TAGGING_HEADER]: tags };
}

/** Returns stored headers without the tags. */
export function withoutTags({ [TAGGING_HEADER]: _tags, ...others }: StoredHeaders): Record<string, string> {
  return others;
}

/** Returns stored headers as a reader sees them: with the number of tags instead of the tags. */
export function shownHeaders(headers: StoredHeaders): Record<string, string> {
  const shown = withoutTags(headers);
  const { size } = tagsIn(headers);
  return size === 0 ? shown : { ...shown, 'x-amz-tagging-count': String(size) };
}

const invalidTag = (message: string): S3Error => new S3Error(400, 'InvalidTag', message);
