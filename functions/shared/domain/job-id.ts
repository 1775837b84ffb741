import { createHash } from 'node:crypto';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const ID_LENGTH = 26; // 130 bits of the digest: a collision is as unlikely as with random UUIDs

/** The shortest job id prefix that can be looked up; git has the same minimum. */
export const ID_PREFIX_LENGTH = 4;

/** True for a whole job id. */
export function isJobId(text: string): boolean {
  return text.length === ID_LENGTH && isJobIdPrefix(text);
}

/** True for a job id or a prefix of one that can be looked up. */
export function isJobIdPrefix(text: string): boolean {
  return text.length >= ID_PREFIX_LENGTH && text.length <= ID_LENGTH && /^[a-z2-7]+$/.test(text);
}

/**
 * Returns the job id for an object version. The id is derived from the version, so a repeated event gives the same job.
 */
export function jobIdOf(file: { bucket: string; key: string; versionId: string }): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([file.bucket, file.key, file.versionId]))
    .digest();
  return base32(digest).slice(0, ID_LENGTH);
}

/** Returns the bytes as lower-case base32 without padding. */
export function base32(bytes: Uint8Array): string {
  let text = '';
  let buffered = 0;
  let bits = 0;
  for (const byte of bytes) {
    buffered = (buffered << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += ALPHABET[(buffered >>> bits) & 31];
    }
    buffered &= (1 << bits) - 1;
  }
  return bits > 0 ? text + ALPHABET[(buffered << (5 - bits)) & 31] : text;
}
