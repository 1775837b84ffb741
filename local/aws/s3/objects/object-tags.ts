import type { S3Store } from '../store.ts';
import { receiveText } from '../wire/payload.ts';
import type { S3Answer, S3Request } from '../wire/request.ts';
import { parseTagging } from '../wire/request-documents.ts';
import { versionHeader, xmlAnswer } from '../wire/responses.ts';
import { checkedTags, TAGGING_HEADER, taggingHeader, tagsIn } from '../wire/tags.ts';
import { findObject } from './object-reads.ts';
import type { ObjectVersion } from './versions.ts';

const named = (store: S3Store, { bucket, key, query }: S3Request): ObjectVersion =>
  findObject(store, bucket, key, query.get('versionId'));

export function getObjectTagging(store: S3Store, request: S3Request): S3Answer {
  const version = named(store, request);
  const Tag = [...tagsIn(version.headers)].map(([Key, Value]) => ({ Key, Value }));
  const bucket = store.buckets.get(request.bucket);
  return xmlAnswer('Tagging', { TagSet: { Tag } }, versionHeader(bucket, version));
}

/** Replaces all tags of the version. */
export async function putObjectTagging(store: S3Store, request: S3Request): Promise<S3Answer> {
  named(store, request);
  const tags = checkedTags(parseTagging(await receiveText(request, { bodyChecksum: true })));
  const version = store.transaction(() => {
    const found = named(store, request);
    store.versions.replaceHeaders(found, { ...found.headers, [TAGGING_HEADER]: taggingHeader(tags) });
    return found;
  });
  return { status: 200, headers: versionHeader(store.buckets.get(request.bucket), version) };
}
