import type { FileDeleted, FileObject } from 'openai/resources/files';
import { isApiId } from '../../contract/api-id.ts';
import { countOf, isObject, present, textOf, timeOf } from './loose-fields.ts';

/** A file as a response describes it. Fields that the response omits are absent. */
export interface ReportedFile {
  fileId?: string;
  bytes?: number;
  /** Milliseconds. */
  createdAt?: number;
}

/** Returns the file in a response; undefined if the response does not describe a file. */
export function parseFile(response: unknown): ReportedFile | undefined {
  if (!isObject<FileObject>(response)) return undefined;
  const id = textOf(response.id);
  return present({
    fileId: id !== undefined && isApiId(id) ? id : undefined,
    bytes: countOf(response.bytes),
    createdAt: timeOf(response.created_at),
  });
}

/** Returns whether the response confirms that the file is deleted. */
export function saysDeleted(response: unknown): boolean {
  return isObject<FileDeleted>(response) && response.deleted === true;
}
