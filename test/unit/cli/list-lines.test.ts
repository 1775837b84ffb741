import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { listLines, type Waits } from '../../../bin/jobs/details/list-lines.ts';
import { stallEnd, waitEnd } from '../../../bin/jobs/details/wait-end.ts';
import { cutTo } from '../../../bin/terminal/fit-line.ts';
import type { WaitingFor } from '../../../functions/shared/contract/events.ts';
import { summaryOf } from '../../../functions/shared/domain/job-summary.ts';
import { aJob, NOON } from '../../contracts/samples.ts';

const JOB = 'kntg2abcdefghijklmnopqrstu';
const REASONS = Object.keys({
  ...{ token_limit: 1, enqueued_tokens: 1, open_batches: 1, budget: 1, price_unknown: 1, account: 1 },
  ...{ storage: 1, not_visible: 1, unreachable: 1, results: 1 },
} satisfies Record<WaitingFor, 1>) as WaitingFor[];

const NOTHING: Waits = { positions: new Map(), delayed: new Map(), stalled: new Map() };
const job = (fields: Parameters<typeof aJob>[0] = {}) => summaryOf(aJob({ jobId: JOB, ...fields }));
const linesOf = (waits: Partial<Waits>, jobs = [job({ status: 'accepted' })], isSimulated = false) =>
  listLines(jobs, { ...NOTHING, ...waits }, { now: NOON + 3 * 3_600_000, isSimulated }).map(
    stripVTControlCharacters,
  );

describe('the table of jobs', () => {
  it('has the short id, the rows, those that failed, the cost, the age and the file', () => {
    const rows = { total: 1_200, succeeded: 1_197, failed: 2, expired: 1, cancelled: 0, missing: 0 };
    const cost = { currency: 'USD', list: '0.08', paid: '0.04', models: [], rowsWithoutUsage: 0 };
    const jobs = [
      job({ status: 'completed', rows, cost }),
      job({ status: 'completed', rows, cost: { ...cost, paid: null } }),
    ];
    expect(linesOf({}, jobs)).toEqual([
      'JOB       STATUS      ROWS  FAILED   COST  AGE  FILE',
      'kntg2abc  completed  1,200       3  $0.04   3h  evening/requests ü.jsonl',
      'kntg2abc  completed  1,200       3      ?   3h  evening/requests ü.jsonl',
    ]);
    expect(linesOf({}, jobs, true)[0]).toContain('  SIM. AGE  ');
  });

  it.each(REASONS)('shows for the wait "%s" the command that ends it, at 80 columns', (reason) => {
    const since = new Date(NOON).toISOString();
    const said = 'The vendor says this at great length, and then some more, and more.';
    const waits: Partial<Waits> = {
      positions: new Map([[JOB, [{ part: 1, for: reason, position: 1, since, said }]]]),
      delayed: new Map([[JOB, [{ kind: 'job', jobId: JOB, for: reason, said }]]]),
    };
    for (const line of linesOf(waits).slice(2)) {
      const shown = cutTo(line, 80);
      expect(line).toContain(waitEnd(reason, JOB));
      expect(shown).toMatch(/: batchdrop (doctor|(cancel|approve|release|wait) kntg2abc)[;:…]/);
    }
  });

  it.each(['create_uncertain', 'upload_lost', 'row_above_budget', 'tries_used_up'])(
    'shows for the stall "%s" the command that ends it, at 80 columns',
    (code) => {
      const reason = { code, message: 'It waits for a person, for a reason that takes some words to say.' };
      const item = { kind: 'part', jobId: JOB, planId: 'p', number: 12, reason } as const;
      const [, , line = ''] = linesOf({ stalled: new Map([[JOB, [item]]]) });
      expect(line).toBe(`  stalled: part 12 ${stallEnd(reason, JOB)}; ${reason.message}`);
      expect(cutTo(line, 80)).toMatch(/: batchdrop (doctor|(approve|release) kntg2abc)/);
    },
  );

  it('never prints control characters of a key or a message', () => {
    const hostile = 'a\u001b[2J\r\nb';
    const lines = listLines(
      [job({ request: { ...aJob().request, key: hostile } })],
      { ...NOTHING, delayed: new Map([[JOB, [{ kind: 'job', jobId: JOB, for: 'account', said: hostile }]]]) },
      { now: NOON, isSimulated: false },
    );
    for (const line of lines) expect(stripVTControlCharacters(line)).not.toMatch(/\p{Cc}/u);
    expect(lines.join('\n').match(/a\\u001b\[2J\\r\\nb/g)).toHaveLength(2);
  });
});
