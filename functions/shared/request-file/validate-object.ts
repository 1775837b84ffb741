import type { Finding } from '../contract/events.ts';
import {
  FILE_LIMITS,
  METADATA_LIMITS,
  METADATA_PREFIX,
  REQUEST_FILE_SUFFIXES,
  RERUN_METADATA,
} from '../contract/request-file.ts';
import type { RequestFile } from '../domain/job.ts';

/** S3's own name for the version of an unversioned object. */
export const UNVERSIONED = 'null';

/** The user's pairs out of S3's user metadata, whose names come in lower case. */
export function batchMetadata(userMetadata: Record<string, string>): {
  metadata: Record<string, string>;
  rerun: boolean;
} {
  const pairs = Object.entries(userMetadata)
    .filter(([name]) => name.startsWith(METADATA_PREFIX) && name !== RERUN_METADATA)
    .map(([name, value]) => [name.slice(METADATA_PREFIX.length), value] as const);
  return { metadata: Object.fromEntries(pairs), rerun: userMetadata[RERUN_METADATA] === 'yes' };
}

/** What speaks against a request file before its first byte is read. */
export function validateObject(file: RequestFile): Finding[] {
  const findings: Finding[] = [];
  const find = (code: string, message: string) => findings.push({ line: null, code, message });
  const name = file.key.toLowerCase();
  if (!REQUEST_FILE_SUFFIXES.some((suffix) => name.endsWith(suffix))) {
    find(
      'unsupported_name',
      `the key has to end in ${REQUEST_FILE_SUFFIXES.join(' or ')}; put the file again under such a name`,
    );
  }
  if (file.size === 0) find('empty_file', 'the file is empty');
  if (file.size > FILE_LIMITS.bytes) {
    find('file_too_large', `the file has ${file.size} bytes; ${FILE_LIMITS.bytes} are allowed, split it`);
  }
  findings.push(...findingsOnMetadata(file.metadata));
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
