/** What an id of the Batch API may consist of. Gateways encode several ids into one, of more than 300 characters. */
const API_ID = /^[A-Za-z0-9_.:@~+=,;!$&'()*|-]{1,1024}$/;

/** What `isApiId` demands, for messages. */
export const API_ID_RULE =
  '1 to 1,024 letters, digits and punctuation without "/", "\\", "?", "#", "%" and ".."';

/** Returns whether the text can be an id of the Batch API: it is safe in the path of a URL. */
export function isApiId(id: string): boolean {
  return API_ID.test(id) && id !== '.' && !id.includes('..');
}
