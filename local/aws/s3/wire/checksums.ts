import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { notImplemented } from '../errors.ts';
import { CRC32, CRC32C, CRC64NVME, type CrcFamily, combineCrcs, crc32c, crc64nvme } from './crc.ts';

const CHECKSUM_ALGORITHMS = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const;
export type ChecksumAlgorithm = (typeof CHECKSUM_ALGORITHMS)[number];
/**
 * The algorithm with which S3 computes a checksum of the whole object if the client sends none
 * ([source](https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html)).
 */
export const USUAL_ALGORITHM: ChecksumAlgorithm = 'CRC64NVME';
export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE';

/** A checksum as S3 stores it. `value` is base64; for a composite checksum, `-<parts>` follows. */
export interface Checksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly type: ChecksumType;
  readonly value: string;
}

/** A checksum being computed. */
export interface RunningChecksum {
  update(bytes: Uint8Array): void;
  digest(): Buffer;
}

const bigEndian = (value: bigint, width: 32 | 64): Buffer =>
  Buffer.from(value.toString(16).padStart(width / 4, '0'), 'hex');

const rolling = <Value extends number | bigint>(
  start: Value,
  width: 32 | 64,
  next: (bytes: Uint8Array, value: Value) => Value,
): RunningChecksum => {
  let value = start;
  return {
    update: (bytes) => {
      value = next(bytes, value);
    },
    digest: () => bigEndian(BigInt(value), width),
  };
};

const hashing = (name: 'sha1' | 'sha256'): RunningChecksum => {
  const hash = createHash(name);
  return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest() };
};

/** Starts a checksum computation. */
export function startChecksum(algorithm: ChecksumAlgorithm): RunningChecksum {
  switch (algorithm) {
    case 'CRC32':
      return rolling<number>(0, 32, crc32);
    case 'CRC32C':
      return rolling<number>(0, 32, crc32c);
    case 'CRC64NVME':
      return rolling<bigint>(0n, 64, crc64nvme);
    case 'SHA1':
      return hashing('sha1');
    case 'SHA256':
      return hashing('sha256');
  }
}

/**
 * Returns the algorithm with this S3 name, in any case. Throws `NotImplemented` for algorithms that are not supported
 * here.
 */
export function checksumAlgorithm(name: string): ChecksumAlgorithm {
  const found = CHECKSUM_ALGORITHMS.find((algorithm) => algorithm === name.toUpperCase());
  if (found === undefined) throw notImplemented(`The checksum algorithm ${name}`);
  return found;
}

export const checksumHeader = (algorithm: ChecksumAlgorithm): string =>
  `x-amz-checksum-${algorithm.toLowerCase()}`;

/** The length of a digest in bytes. A header with another length is malformed, not a wrong checksum. */
export const DIGEST_BYTES: Readonly<Record<ChecksumAlgorithm, number>> = {
  CRC32: 4,
  CRC32C: 4,
  CRC64NVME: 8,
  SHA1: 20,
  SHA256: 32,
};

const CRC_FAMILIES: Partial<Readonly<Record<ChecksumAlgorithm, CrcFamily>>> = { CRC32, CRC32C, CRC64NVME };

/** Returns whether the parts' checksums can be combined into the object's checksum without reading the object again. */
export const isLinear = (algorithm: ChecksumAlgorithm): boolean => CRC_FAMILIES[algorithm] !== undefined;

/** Returns the checksum of a completed multipart upload from the checksums (base64) of its parts. */
export function checksumOfParts(
  algorithm: ChecksumAlgorithm,
  type: ChecksumType,
  parts: readonly { readonly checksum: string; readonly size: number }[],
): Checksum {
  const digests = parts.map((part) => Buffer.from(part.checksum, 'base64'));
  const family = CRC_FAMILIES[algorithm];
  if (type === 'FULL_OBJECT' && family !== undefined) {
    const crcs = digests.map((digest, index) => ({
      crc: BigInt(`0x${digest.toString('hex')}`),
      size: parts[index]?.size ?? 0,
    }));
    const value = bigEndian(combineCrcs(family, crcs), family.width).toString('base64');
    return { algorithm, type, value };
  }
  const composite = startChecksum(algorithm);
  for (const digest of digests) composite.update(digest);
  return {
    algorithm,
    type: 'COMPOSITE',
    value: `${composite.digest().toString('base64')}-${parts.length}`,
  };
}
