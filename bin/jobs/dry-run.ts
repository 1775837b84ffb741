import type { Finding, JobEstimate } from '../../functions/shared/contract/events.ts';
import { jobEstimate } from '../../functions/shared/domain/money/job-estimate.ts';
import type { MeasuredRows } from '../../functions/shared/domain/money/measured-rows.ts';
import type { Prices } from '../../functions/shared/domain/money/prices.ts';
import { readUserMetadata, validateObject } from '../../functions/shared/request-file/validate-object.ts';
import {
  type RowTables,
  validateRequestFile,
} from '../../functions/shared/request-file/validate-request-file.ts';
import { bytesShown, counted, grouped } from '../terminal/amounts.ts';
import { escapeControlCharacters } from '../terminal/escape-control-characters.ts';
import { estimateText } from '../terminal/estimate-text.ts';
import { objectMetadata } from './put-file.ts';
import { contentOf, type RequestSource } from './request-source.ts';

/** The result of a dry run: the batches of a file, or the findings for which INTAKE would reject it. */
export type Forecast = { readonly file: string; readonly key: string; readonly bytes: number } & (
  | {
      readonly verdict: 'good';
      readonly rows: number;
      /** Each part becomes one batch. `bytes` is the size of its upload. */
      readonly parts: readonly {
        readonly endpoint: string;
        readonly model: string;
        readonly rows: number;
        readonly bytes: number;
      }[];
      /** Without network access, from bytes and limits alone. */
      readonly estimate: JobEstimate;
    }
  | { readonly verdict: 'bad'; readonly count: number; readonly findings: readonly Finding[] }
);

type GoodParts = Extract<Forecast, { verdict: 'good' }>['parts'];

const SHOWN_FINDINGS = 20;

/**
 * Validates a file exactly as INTAKE would, and plans and estimates its batches, without network access. `measured`: what batches
 * used, if it is known.
 */
export async function forecast(
  source: RequestSource,
  tags: Readonly<Record<string, string>>,
  prices: Prices,
  measured: readonly MeasuredRows[] = [],
): Promise<Forecast> {
  const { file, key, bytes } = source;
  const findings = validateObject({
    // Values that only S3 has. They are not validated.
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
  const estimate = jobEstimate(checked.parts, measured, prices);
  return { file, key, bytes, verdict: 'good', rows: checked.rows, parts, estimate };
}

/** Stores row tables in memory: 300 MB for the largest file with ids of 40 bytes. */
function tablesInMemory(): RowTables {
  const tables = new Map<number, Uint8Array>();
  return {
    write: async (part, table) => void tables.set(part, table),
    async read(part) {
      const table = tables.get(part);
      if (!table) throw new Error(`Part ${part} has no row table.`);
      return table;
    },
  };
}

/** Returns the forecast as lines of text. Findings have the form `file:line: …`, as in compiler output. */
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
      ...(more > 0 ? [`${file}: ${grouped(more)} more findings; --json prints up to 1,000`] : []),
      `${file}: would be rejected with ${counted(known.count, 'finding', 'findings')}; nothing was sent`,
    ];
  }
  const { rows, parts, estimate } = known;
  const [of = '', ...others] = new Set(parts.map(runBy));
  const sent = parts.reduce((sum, part) => sum + part.bytes, 0);
  return [
    `${file}: ${counted(rows, 'row', 'rows')} of ${others.length === 0 ? of : `${others.length + 1} models and URLs`}`,
    `  ${counted(parts.length, 'batch', 'batches')}, ${bytesShown(sent)} to upload; nothing was sent`,
    `  ${estimateText(estimate)}`,
    ...(parts.length > 1 ? parts.map((part, at) => batchLine(part, at + 1, others.length > 0)) : []),
  ];
}

function batchLine(part: GoodParts[number], number: number, mixed: boolean): string {
  const of = mixed ? ` of ${runBy(part)}` : '';
  return `  batch ${number}: ${counted(part.rows, 'row', 'rows')}${of}, ${bytesShown(part.bytes)}`;
}

function runBy({ endpoint, model }: GoodParts[number]): string {
  return escapeControlCharacters(`${model} for ${endpoint}`);
}
