import { RetryableError } from '../domain/errors.ts';
import type { FileAtApi } from '../domain/part.ts';
import type { Ports } from '../ports/ports.ts';

/** While the key is another account's, what needs the old one looks so often whether it is back. */
export const KEY_BACK_CHECK_SECONDS = 1800;

/** Whether the key in use belongs to the account given; undefined: any. Errors: as the API's. */
export async function isOurAccount(
  { api }: Pick<Ports, 'api'>,
  account: string | undefined,
): Promise<boolean> {
  if (account === undefined) return true;
  return (await api.listBatches({ limit: 1 })).account === account;
}

/** True when the file is deleted for certain, now or before: its own account says so. Errors: as the API's. */
export async function isDeleted(
  { api }: Pick<Ports, 'api'>,
  { fileId, account: owner }: FileAtApi,
): Promise<boolean> {
  const { was, account } = await api.deleteFile(fileId);
  return was === 'deleted' || owner === undefined || owner === account;
}

/**
 * Asked when a file seems to be gone: under another account's key every file does. Errors: RetryableError, when the key in
 * use belongs to another account; the item waits until the old key is back.
 */
export async function assureGone(
  deps: Pick<Ports, 'api'>,
  fileId: string,
  account: string | undefined,
): Promise<void> {
  if (await isOurAccount(deps, account)) return;
  throw new RetryableError(`file ${fileId}: the key belongs to another account than the one that holds it`, {
    afterSeconds: KEY_BACK_CHECK_SECONDS,
  });
}

/** A file as it is noted with its account, where that is known. */
export function fileAtApi(fileId: string, account: string | undefined): FileAtApi {
  return { fileId, ...(account === undefined ? {} : { account }) };
}
