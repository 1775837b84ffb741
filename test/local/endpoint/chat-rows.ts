/** Returns a request file of `count` chat rows; `word` makes it different from other files. */
export function chatRows(count: number, word: string): string {
  const rows = Array.from({ length: count }, (_, at) => ({
    custom_id: `row-${at}`,
    method: 'POST',
    url: '/v1/chat/completions',
    body: { model: 'gpt-4o-mini', messages: [{ role: 'user', content: `Say ${word} ${at}` }] },
  }));
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

/** Returns the `custom_id`s of a results file, sorted. */
export function idsIn(jsonl: string): string[] {
  return jsonl
    .split('\n')
    .filter(Boolean)
    .map((line): string => JSON.parse(line).custom_id)
    .toSorted();
}
