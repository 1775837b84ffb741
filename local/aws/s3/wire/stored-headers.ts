import { notImplemented, S3Error } from '../errors.ts';
import type { S3Request } from './request.ts';
import { checkedTags, TAGGING_HEADER, taggingHeader } from './tags.ts';

const CONTENT_HEADERS = [
  'cache-control',
  'content-disposition',
  'content-language',
  'content-type',
  'expires',
] as const;

const METADATA_PREFIX = 'x-amz-meta-';
const MAX_METADATA_BYTES = 2048;

// Headers that request a feature that the local S3 does not have.
const UNKNOWN_PROMISES = [
  'x-amz-object-lock-legal-hold',
  'x-amz-object-lock-mode',
  'x-amz-object-lock-retain-until-date',
  'x-amz-server-side-encryption-customer-algorithm',
  'x-amz-website-redirect-location',
  'x-amz-write-offset-bytes',
];

/** Returns the headers that a write stores with the content. Throws `MetadataTooLarge` above 2 KB of x-amz-meta-*. */
export function headersToStore(request: S3Request): Record<string, string> {
  const promise = UNKNOWN_PROMISES.find((name) => request.headers.has(name));
  if (promise !== undefined) throw notImplemented(`The header ${promise}`);
  const stored: Record<string, string> = { 'content-type': 'binary/octet-stream' };
  for (const name of CONTENT_HEADERS) {
    const value = request.headers.get(name);
    if (value !== undefined && value !== '') stored[name] = value;
  }
  const encoding = contentEncoding(request);
  if (encoding !== '') stored['content-encoding'] = encoding;
  const tagging = request.headers.get(TAGGING_HEADER);
  if (tagging !== undefined)
    stored[TAGGING_HEADER] = taggingHeader(checkedTags([...new URLSearchParams(tagging)]));
  let metadataBytes = 0;
  for (const [name, value] of request.headers) {
    if (!name.startsWith(METADATA_PREFIX)) continue;
    stored[name] = value;
    metadataBytes += name.length - METADATA_PREFIX.length + value.length; // one character is one byte here
  }
  if (metadataBytes <= MAX_METADATA_BYTES) return stored;
  throw new S3Error(
    400,
    'MetadataTooLarge',
    'Your metadata headers exceed the maximum allowed metadata size',
    {
      details: { Size: String(metadataBytes), MaxSizeAllowed: String(MAX_METADATA_BYTES) },
    },
  );
}

/** Returns the encoding of the content itself. `aws-chunked` is only the encoding of the transfer. */
const contentEncoding = (request: S3Request): string =>
  (request.headers.get('content-encoding') ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '' && one.toLowerCase() !== 'aws-chunked')
    .join(',');
