import { readFile } from 'node:fs/promises';
import { Failure } from '../../terminal/failure.ts';

/** Reads a JSON file. Throws a Failure. */
export async function readJson(file: string): Promise<unknown> {
  let content: string;
  try {
    content = await readFile(file, 'utf8');
  } catch (cause) {
    throw new Failure(`${file} cannot be read: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
  try {
    return JSON.parse(content.replace(/^\ufeff/, ''));
  } catch (cause) {
    throw new Failure(`${file} is not JSON: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}
