/** Decides from S3's metadata whether two object versions have the same bytes. Nothing is read. */

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
  /** Absent if S3 has no checksum of the whole object. A multipart upload may have checksums of its parts only. */
  checksum?: ObjectChecksum;
}

/**
 * Returns whether two object versions have the same bytes. Their sizes must be equal. If both ETags are MD5s, as after
 * one PutObject, the ETags decide. Otherwise the checksums of the whole objects decide, if both use the same algorithm.
 * Otherwise the ETags decide. The ETag of a multipart upload also depends on the sizes of its parts, so equal bytes may
 * count as different, but never the reverse.
 */
export function haveSameBytes(one: ContentFacts, other: ContentFacts): boolean {
  if (one.size !== other.size) return false;
  // A 32-bit checksum is equal for one in four billion pairs of files, so two different MD5s take precedence.
  if (isMd5(one) && isMd5(other)) return one.etag === other.etag;
  if (one.checksum && one.checksum.algorithm === other.checksum?.algorithm)
    return one.checksum.value === other.checksum.value;
  return !one.etagIsRandom && !other.etagIsRandom && one.etag === other.etag;
}

function isMd5({ etag, etagIsRandom }: ContentFacts): boolean {
  return !etagIsRandom && /^[0-9a-f]{32}$/.test(etag);
}

/** Returns only these fields. */
export function contentFacts({ size, etag, etagIsRandom, checksum }: ContentFacts): ContentFacts {
  return { size, etag, ...(etagIsRandom && { etagIsRandom }), ...(checksum && { checksum }) };
}
