import { describe, expect, it } from 'vitest';
import { type ContentFacts, haveSameBytes } from '../../../functions/shared/domain/same-bytes.ts';

const MD5 = '5d41402abc4b2a76b9719d911017c592';
const OTHER_MD5 = '0f343b0931126a20f133d67c2b018a3b';
const crc64 = (value: string) => ({ checksum: { algorithm: 'CRC64NVME' as const, value } });
const crc32 = (value: string) => ({ checksum: { algorithm: 'CRC32' as const, value } });
const kms = { etagIsRandom: true as const };

describe('two object versions', () => {
  it.each<[string, Partial<ContentFacts>, Partial<ContentFacts>, boolean]>([
    ['with the same MD5', {}, {}, true],
    ['with other MD5s', {}, { etag: OTHER_MD5 }, false],
    ['with the same MD5 and another size', {}, { size: 6 }, false],
    ['with other MD5s and the same CRC-32', crc32('a'), { etag: OTHER_MD5, ...crc32('a') }, false],
    ['with the same MD5 and checksums by other algorithms', crc32('a'), crc64('b'), true],
    [
      'encrypted by KMS, with the same checksum',
      { ...kms, ...crc64('a') },
      { ...kms, etag: OTHER_MD5, ...crc64('a') },
      true,
    ],
    ['encrypted by KMS, with other checksums', { ...kms, ...crc64('a') }, { ...kms, ...crc64('b') }, false],
    [
      'one of them encrypted by KMS, with the same checksum',
      crc32('a'),
      { ...kms, etag: OTHER_MD5, ...crc32('a') },
      true,
    ],
    ['encrypted by KMS, with the same ETag and no checksum', kms, kms, false],
    [
      'uploaded in parts of other sizes, with the same checksum',
      { etag: `${MD5}-2`, ...crc64('a') },
      { etag: `${OTHER_MD5}-3`, ...crc64('a') },
      true,
    ],
    [
      'uploaded in parts and at once, with the same checksum',
      { etag: `${MD5}-2`, ...crc64('a') },
      crc64('a'),
      true,
    ],
    [
      'uploaded in parts, with the same ETag and other checksums',
      { etag: `${MD5}-2`, ...crc64('a') },
      { etag: `${MD5}-2`, ...crc64('b') },
      false,
    ],
    [
      'uploaded in parts, with the same ETag and no checksum',
      { etag: `${MD5}-2` },
      { etag: `${MD5}-2` },
      true,
    ],
    [
      'uploaded in parts of other sizes, without checksums',
      { etag: `${MD5}-2` },
      { etag: `${OTHER_MD5}-3` },
      false,
    ],
    [
      'uploaded in parts of other sizes, with checksums by other algorithms',
      { etag: `${MD5}-2`, ...crc32('a') },
      { etag: `${OTHER_MD5}-3`, ...crc64('b') },
      false,
    ],
  ])('%s', (_, one, other, same) => {
    const [first, second] = [
      { size: 5, etag: MD5, ...one },
      { size: 5, etag: MD5, ...other },
    ];
    expect(haveSameBytes(first, second)).toBe(same);
    expect(haveSameBytes(second, first)).toBe(same);
  });
});
