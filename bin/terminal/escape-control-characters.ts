/** Replaces control characters: an object key or a message from outside must not move the cursor. */
export function escapeControlCharacters(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, '�');
}
