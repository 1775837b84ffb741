import type { Finding } from '../contract/events.ts';
import {
  FILE_LIMITS,
  INSTRUCTION_PREFIX,
  METADATA_LIMITS,
  METADATA_PREFIX,
  REQUEST_FILE_SUFFIXES,
} from '../contract/request-file.ts';
import type { RequestFile } from '../domain/job.ts';
import { findingsOnInstructions } from './instructions.ts';

/** S3's version id for an object in a bucket without versioning. */
export const UNVERSIONED = 'null';

/**
 * Returns the user's tags and instructions from S3's user metadata, whose names are in lower case. Other pairs are
 * ignored.
 */
export function readUserMetadata(userMetadata: Readonly<Record<string, string>>): {
  metadata: Record<string, string>;
  instructions: Record<string, string>;
} {
  return {
    metadata: withoutPrefix(userMetadata, METADATA_PREFIX),
    instructions: withoutPrefix(userMetadata, INSTRUCTION_PREFIX),
  };
}

function withoutPrefix(pairs: Readonly<Record<string, string>>, prefix: string): Record<string, string> {
  const named = Object.entries(pairs).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(named.map(([name, value]) => [name.slice(prefix.length), value]));
}

/** Returns what is wrong with a request file before its content is read. */
export function validateObject(file: RequestFile): Finding[] {
  const findings: Finding[] = [];
  const find = (code: string, message: string) => findings.push({ line: null, code, message });
  const name = file.key.toLowerCase();
  if (!REQUEST_FILE_SUFFIXES.some((suffix) => name.endsWith(suffix))) {
    find(
      'unsupported_name',
      `the key has to end in ${REQUEST_FILE_SUFFIXES.join(' or ')}; rename the file and upload it again`,
    );
  }
  if (file.size === 0) find('empty_file', 'the file is empty');
  if (file.size > FILE_LIMITS.bytes) {
    find('file_too_large', `the file has ${file.size} bytes; ${FILE_LIMITS.bytes} are allowed, split it`);
  }
  findings.push(...findingsOnMetadata(file.metadata), ...findingsOnInstructions(file.instructions));
  if (file.versionId === UNVERSIONED) {
    find(
      'unversioned',
      'the bucket is not versioned, so the file could change while it is read; turn versioning on',
    );
  }
  return findings;
}

function findingsOnMetadata(metadata: Record<string, string>): Finding[] {
  const findings: Finding[] = [];
  const find = (code: string, message: string) => findings.push({ line: null, code, message });
  const pairs = Object.entries(metadata);
  const { pairs: most, nameLength, valueLength } = METADATA_LIMITS;
  if (pairs.length > most) {
    find('too_much_metadata', `the object has ${pairs.length} x-amz-meta-batch-* pairs; ${most} are allowed`);
  }
  for (const [name, value] of pairs) {
    if (name === '' || name.length > nameLength) {
      find(
        'invalid_metadata',
        `metadata "${name.slice(0, nameLength)}": a name has 1 to ${nameLength} characters`,
      );
    }
    if (value.length > valueLength) {
      find(
        'invalid_metadata',
        `metadata "${name.slice(0, nameLength)}": a value has at most ${valueLength} characters`,
      );
    }
  }
  return findings;
}
