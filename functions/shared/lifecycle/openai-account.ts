import { RetryableError } from '../domain/errors.ts';
import { isSameAccount } from '../domain/openai-account.ts';
import type { FileAtApi } from '../domain/spending/intents.ts';
import type { Ports } from '../ports/ports.ts';

/** While the key belongs to another account, items that need the old key check at this interval whether it is back. */
export const KEY_BACK_CHECK_SECONDS = 1800;

/**
 * Returns whether the current key belongs to the account. If `account` is undefined: true. Errors: those of the API.
 */
export async function isOurAccount(
  { api }: Pick<Ports, 'api'>,
  account: string | undefined,
): Promise<boolean> {
  if (account === undefined) return true;
  return isSameAccount((await api.listBatches({ limit: 1 })).account, account);
}

/**
 * Deletes the file. Returns whether the file's own account confirms that it is deleted, by this call or an earlier one.
 * Errors: those of the API.
 */
export async function isDeleted(
  { api }: Pick<Ports, 'api'>,
  { fileId, account: owner }: FileAtApi,
): Promise<boolean> {
  const { was, account } = await api.deleteFile(fileId);
  return was === 'deleted' || owner === undefined || isSameAccount(owner, account);
}

/**
 * Checks that a missing file is really gone, because with another account's key every file seems to be missing. Errors:
 * RetryableError if the current key belongs to another account; the item then waits for the old key.
 */
export async function assureGone(
  deps: Pick<Ports, 'api'>,
  fileId: string,
  account: string | undefined,
): Promise<void> {
  if (await isOurAccount(deps, account)) return;
  throw new RetryableError(
    `file ${fileId}: the key belongs to another account than the file; restore the old key`,
    {
      afterSeconds: KEY_BACK_CHECK_SECONDS,
    },
  );
}

/** Returns the file with its account, if known. */
export function fileAtApi(fileId: string, account: string | undefined): FileAtApi {
  return { fileId, ...(account === undefined ? {} : { account }) };
}
