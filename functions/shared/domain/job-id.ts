import { createHash } from 'node:crypto';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const ID_LENGTH = 26; // 130 bits of the digest: as hard to hit twice as a random UUID

/** The shortest prefix of a job id that can be looked up; git has the same minimum. */
export const ID_PREFIX_LENGTH = 4;

/** True for a whole job id. */
export function isJobId(text: string): boolean {
  return text.length === ID_LENGTH && isJobIdPrefix(text);
}

/** True for a job id or a prefix of one that can be looked up. */
export function isJobIdPrefix(text: string): boolean {
  return text.length >= ID_PREFIX_LENGTH && text.length <= ID_LENGTH && /^[a-z2-7]+$/.test(text);
}

/** The id of a job: derived from the object version, never random, so that a repeated event names the same job. */
export function jobIdOf(file: { bucket: string; key: string; versionId: string }): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([file.bucket, file.key, file.versionId]))
    .digest();
  return base32(digest).slice(0, ID_LENGTH);
}

/** Lower-case base32 without padding. */
export function base32(bytes: Uint8Array): string {
  let text = '';
  let held = 0;
  let bits = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += ALPHABET[(held >>> bits) & 31];
    }
    held &= (1 << bits) - 1;
  }
  return bits > 0 ? text + ALPHABET[(held << (5 - bits)) & 31] : text;
}
