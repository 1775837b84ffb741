import type { Finding } from '../../functions/shared/contract/events.ts';
import { readUserMetadata, validateObject } from '../../functions/shared/request-file/validate-object.ts';
import {
  type RowTables,
  validateRequestFile,
} from '../../functions/shared/request-file/validate-request-file.ts';
import { bytesShown, counted, grouped } from '../terminal/amounts.ts';
import { escapeControlCharacters } from '../terminal/escape-control-characters.ts';
import { objectMetadata } from './put-file.ts';
import { contentOf, type RequestSource } from './request-source.ts';

/** What would become of a file: its batches, or what intake would refuse it for. */
type Forecast = { readonly file: string; readonly key: string; readonly bytes: number } & (
  | {
      readonly verdict: 'good';
      readonly rows: number;
      /** One batch each; `bytes` is what is uploaded. */
      readonly parts: readonly {
        readonly endpoint: string;
        readonly model: string;
        readonly rows: number;
        readonly bytes: number;
      }[];
    }
  | { readonly verdict: 'bad'; readonly count: number; readonly findings: readonly Finding[] }
);

type GoodParts = Extract<Forecast, { verdict: 'good' }>['parts'];

const SHOWN_FINDINGS = 20;

/** Checks a file exactly as intake would, and plans it. Nothing leaves this machine. */
export async function forecast(
  source: RequestSource,
  tags: Readonly<Record<string, string>>,
): Promise<Forecast> {
  const { file, key, bytes } = source;
  const findings = validateObject({
    // What S3 would give it is not looked at by the check.
    ...{ bucket: '', versionId: '', etag: '', lastModified: 0 },
    ...{ key, size: bytes },
    ...readUserMetadata(objectMetadata({ tags })),
  });
  if (findings.length > 0) return { file, key, bytes, verdict: 'bad', count: findings.length, findings };
  const checked = await validateRequestFile(() => contentOf(source), tablesInMemory());
  if (checked.verdict === 'bad') return { file, key, bytes, ...checked };
  const parts = checked.parts.map(({ endpoint, model, rows, uploadBytes }) => ({
    ...{ endpoint, model, rows },
    bytes: uploadBytes,
  }));
  return { file, key, bytes, verdict: 'good', rows: checked.rows, parts };
}

/** 300 MB for the largest file with ids of 40 bytes: a machine that has such a file has that. */
function tablesInMemory(): RowTables {
  const tables = new Map<number, Uint8Array>();
  return {
    write: async (part, table) => void tables.set(part, table),
    async read(part) {
      const table = tables.get(part);
      if (!table) throw new Error(`there is no row table of part ${part}`);
      return table;
    },
  };
}

/** The forecast for a person: findings as `file:line: …`, as compilers write them. */
export function forecastLines(known: Forecast): string[] {
  const file = escapeControlCharacters(known.file);
  if (known.verdict === 'bad') {
    const more = known.count - Math.min(known.findings.length, SHOWN_FINDINGS);
    return [
      ...known.findings
        .slice(0, SHOWN_FINDINGS)
        .map(
          ({ line, message }) =>
            `${file}${line === null ? '' : `:${line}`}: ${escapeControlCharacters(message)}`,
        ),
      ...(more > 0 ? [`${file}: and ${grouped(more)} more, --json tells up to 1,000`] : []),
      `${file}: would be rejected, ${counted(known.count, 'finding', 'findings')}; nothing was sent`,
    ];
  }
  const { rows, parts } = known;
  const [of = '', ...others] = new Set(parts.map(runBy));
  const sent = parts.reduce((sum, part) => sum + part.bytes, 0);
  return [
    `${file}: ${counted(rows, 'row', 'rows')} of ${others.length === 0 ? of : `${others.length + 1} models and urls`}`,
    `  ${counted(parts.length, 'batch', 'batches')}, ${bytesShown(sent)} to upload; nothing was sent`,
    ...(parts.length > 1 ? parts.map((part, at) => batchLine(part, at + 1, others.length > 0)) : []),
  ];
}

function batchLine(part: GoodParts[number], number: number, mixed: boolean): string {
  const of = mixed ? ` of ${runBy(part)}` : '';
  return `  batch ${number}: ${counted(part.rows, 'row', 'rows')}${of}, ${bytesShown(part.bytes)}`;
}

function runBy({ endpoint, model }: GoodParts[number]): string {
  return `${escapeControlCharacters(model)} for ${endpoint}`;
}
