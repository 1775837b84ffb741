/**
 * The pattern of an id of the Batch API: 1 to 1,024 letters, digits and punctuation that are safe in a URL path.
 * Gateways combine several ids into one of more than 300 characters.
 */
export const API_ID_PATTERN = "^(?!\\.$)(?!.*\\.\\.)[A-Za-z0-9_.:@~+=,;!$&'()*|-]{1,1024}$";

/** `API_ID_PATTERN` in words. */
export const API_ID_RULE =
  '1 to 1,024 letters, digits and punctuation without "/", "\\", "?", "#", "%" and ".."';

const API_ID = new RegExp(API_ID_PATTERN);

/** Returns whether the text can be an id of the Batch API. */
export function isApiId(id: string): boolean {
  return API_ID.test(id);
}
