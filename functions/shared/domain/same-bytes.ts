/** Whether two object versions have the same bytes, by what S3 reports of them: nothing is read. */

/** A checksum of a whole object, as S3 reports it. `value`: base64. */
export interface ObjectChecksum {
  algorithm: 'CRC64NVME' | 'CRC32' | 'CRC32C' | 'SHA1' | 'SHA256';
  value: string;
}

/** What S3 reports of an object version's bytes. `size` in bytes. */
export interface ContentFacts {
  size: number;
  etag: string;
  /** A KMS key encrypts the object: its ETag differs at each upload of the same bytes. */
  etagIsRandom?: true;
  /** Absent if S3 has none of the whole object: a multipart upload may have one of its parts' checksums only. */
  checksum?: ObjectChecksum;
}

/**
 * Returns whether two object versions have the same bytes. They must have the same size. If both ETags are MD5s, as after one
 * PutObject, they decide. Otherwise the checksums of the whole object decide, if both are by the same algorithm; else the
 * ETags. The ETag of a multipart upload also depends on the sizes of its parts: the same bytes may then count as different
 * ones, never the reverse.
 */
export function haveSameBytes(one: ContentFacts, other: ContentFacts): boolean {
  if (one.size !== other.size) return false;
  // A checksum of 32 bits is the same for one in four billion pairs of files: two MD5s that differ outweigh it.
  if (isMd5(one) && isMd5(other)) return one.etag === other.etag;
  if (one.checksum && one.checksum.algorithm === other.checksum?.algorithm)
    return one.checksum.value === other.checksum.value;
  return !one.etagIsRandom && !other.etagIsRandom && one.etag === other.etag;
}

function isMd5({ etag, etagIsRandom }: ContentFacts): boolean {
  return !etagIsRandom && /^[0-9a-f]{32}$/.test(etag);
}

/** Returns these facts alone. */
export function contentFacts({ size, etag, etagIsRandom, checksum }: ContentFacts): ContentFacts {
  return { size, etag, ...(etagIsRandom && { etagIsRandom }), ...(checksum && { checksum }) };
}
