import { extname } from 'node:path';

/** The first bytes of a format in Latin-1, and their position if it is not 0. */
const SIGNATURES: readonly {
  type: string;
  begins: string;
  at?: number;
  and?: { begins: string; at: number };
}[] = [
  { type: 'image/png', begins: '\x89PNG\r\n\x1a\n' },
  { type: 'image/jpeg', begins: '\xff\xd8\xff' },
  { type: 'image/gif', begins: 'GIF8' },
  { type: 'image/webp', begins: 'RIFF', and: { begins: 'WEBP', at: 8 } },
  { type: 'audio/wav', begins: 'RIFF', and: { begins: 'WAVE', at: 8 } },
  { type: 'audio/mpeg', begins: 'ID3' },
  { type: 'audio/mpeg', begins: '\xff\xfb' },
  { type: 'audio/flac', begins: 'fLaC' },
  { type: 'audio/ogg', begins: 'OggS' },
  { type: 'video/mp4', begins: 'ftyp', at: 4 },
  { type: 'application/pdf', begins: '%PDF-' },
];

/** Formats that their first bytes do not tell. */
const BY_EXTENSION: Readonly<Record<string, string>> = {
  '.csv': 'text/csv',
  '.html': 'text/html',
  '.json': 'application/json',
  '.md': 'text/markdown',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain',
  '.xml': 'application/xml',
  '.docx': 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  '.pptx': 'application/vnd.openxmlformats-officedocument.presentationml.presentation',
  '.xlsx': 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
};

/** Returns the media type of a file by its content, or else by its extension; undefined if neither tells. */
export function mediaTypeOf(name: string, content: Buffer): string | undefined {
  const head = content.toString('latin1', 0, 16);
  const known = SIGNATURES.find(
    ({ begins, at = 0, and }) =>
      head.startsWith(begins, at) && (and === undefined || head.startsWith(and.begins, and.at)),
  );
  return known?.type ?? BY_EXTENSION[extname(name).toLowerCase()];
}
