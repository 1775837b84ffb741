import { closeSync, openSync, writeSync } from 'node:fs';

const ENGLISH =
  'The kettle boiled while nobody watched it, and the letter on the table said "not before Thursday".\nThe second page was missing; whoever had read it last had folded the corner twice. ';
const OTHERS =
  'Größere Änderungen müssen bis Mörz übergeben werden. Ещё один абзац без переноса строки. 请在星期四之前回复这封信。\n';

/** Writes chat rows of about `rowBytes` each, 30 % of them not ASCII, until the file has `bytes`. */
export function writeChatFile(
  file: string,
  bytes: number,
  rowBytes: number,
): { rows: number; bytes: number } {
  const out = openSync(file, 'w');
  let [rows, written] = [0, 0];
  while (written < bytes - rowBytes) {
    const lines: string[] = [];
    for (let size = 0; size < 1_000_000 && written + size < bytes - rowBytes; rows += 1) {
      const line = `${chatRow(rows, rowBytes)}\n`;
      size += Buffer.byteLength(line);
      lines.push(line);
    }
    written += writeSync(out, Buffer.from(lines.join('')));
  }
  closeSync(out);
  return { rows, bytes: written };
}

function chatRow(row: number, rowBytes: number): string {
  const text = row % 10 < 3 ? OTHERS : ENGLISH;
  const repeats = Math.max(1, Math.floor((rowBytes - 250) / Buffer.byteLength(text)));
  return JSON.stringify({
    custom_id: `request-${row}`,
    method: 'POST',
    url: '/v1/chat/completions',
    body: {
      model: 'gpt-4o-mini',
      messages: [
        { role: 'system', content: 'Answer briefly.' },
        { role: 'user', content: text.repeat(repeats) },
      ],
      temperature: 0.2,
      max_tokens: 500,
    },
  });
}
