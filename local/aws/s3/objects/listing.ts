/** The requested part of a sorted listing. Keys are UTF-8 bytes. */
export interface PageRequest {
  readonly prefix: Buffer;
  /** Empty for none. */
  readonly delimiter: Buffer;
  /** The first key that may be listed. */
  readonly start: Buffer;
  readonly limit: number;
}

/** A page of rows and common prefixes; both count toward the page size. */
export interface Page<Row> {
  readonly rows: readonly Row[];
  readonly commonPrefixes: readonly string[];
  /** If the list continues: the last entry, and the first key that may come next. */
  readonly next?: { readonly last: Row | string; readonly start: Buffer };
}

/**
 * Collects a page from `rowsFrom(key)`, which returns the sorted rows from a key on. Keys under a common prefix are
 * skipped without reading them, so the cost depends only on the page.
 */
export function collectPage<Row extends { readonly key: Buffer }>(
  request: PageRequest,
  rowsFrom: (start: Buffer) => Iterable<Row>,
): Page<Row> {
  const rows: Row[] = [];
  const commonPrefixes: string[] = [];
  if (request.limit === 0) return { rows, commonPrefixes };
  let next: Page<Row>['next'];
  let start: Buffer | undefined =
    Buffer.compare(request.start, request.prefix) < 0 ? request.prefix : request.start;
  while (start !== undefined) {
    const from: Buffer = start;
    start = undefined;
    for (const row of rowsFrom(from)) {
      if (!row.key.subarray(0, request.prefix.length).equals(request.prefix)) break;
      if (next !== undefined && rows.length + commonPrefixes.length >= request.limit) {
        return { rows, commonPrefixes, next };
      }
      const group = groupOf(row.key, request);
      if (group === undefined) {
        rows.push(row);
        next = { last: row, start: keyAfter(row.key) };
      } else {
        const commonPrefix = group.toString();
        commonPrefixes.push(commonPrefix);
        start = keyAfterGroup(group);
        next = { last: commonPrefix, start };
        break;
      }
    }
  }
  return { rows, commonPrefixes };
}

/** Returns the common prefix of a key, if any. */
function groupOf(key: Buffer, { prefix, delimiter }: PageRequest): Buffer | undefined {
  if (delimiter.length === 0) return undefined;
  const at = key.indexOf(delimiter, prefix.length);
  return at === -1 ? undefined : key.subarray(0, at + delimiter.length);
}

/** Returns the first key that sorts after `key`. */
export const keyAfter = (key: Buffer): Buffer => Buffer.concat([key, Buffer.of(0)]);

/** Returns the first key that sorts after all keys that begin with `group`. The last byte of UTF-8 is never 255. */
export function keyAfterGroup(group: Buffer): Buffer {
  const after = Buffer.from(group);
  after[after.length - 1] = (group.at(-1) ?? 0) + 1;
  return after;
}

/** Encodes a key as S3 does for `encoding-type=url`: like a form value, but with slashes and asterisks unchanged. */
export const urlEncoded = (text: string): string =>
  encodeURIComponent(text)
    .replace(/%2F/g, '/')
    .replace(/%20/g, '+')
    .replace(/[!'()~]/g, (found) => `%${found.charCodeAt(0).toString(16).toUpperCase()}`);
