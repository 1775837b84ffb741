import { describe, expect, it } from 'vitest';
import { filterChoices, filterJobs } from '../../../console/address/job-filter.ts';
import { addressOf, routeOf } from '../../../console/address/route.ts';
import type { JobRow } from '../../../console/api.ts';
import { readEvents } from '../../../console/connection/event-stream.ts';
import { rowAfterKey, topToShow, visibleRows } from '../../../console/pages/jobs/visible-rows.ts';
import { percentile } from '../../../console/pages/overview/percentile.ts';
import { edges, stackSpending } from '../../../console/pages/overview/spending.ts';
import { bytesText, moneyText, percent, rangeText } from '../../../console/words/amounts.ts';
import { lookOf, standing, titled, waitText } from '../../../console/words/statuses.ts';
import { roughSpan, span } from '../../../console/words/times.ts';

function job(changed: Partial<JobRow>): JobRow {
  const time = '2026-11-29T10:00:00.000Z';
  return {
    ...{
      jobId: 'abc123',
      status: 'submitted',
      ended: false,
      file: 'team/reviews.jsonl',
      size: 1,
      stalled: false,
    },
    ...{ createdAt: time, changedAt: time },
    ...changed,
  };
}

describe('the address', () => {
  it.each(['#/jobs', '#/jobs?status=open&search=a+b', '#/jobs/abc%2F1', '#/overview', '#/drop'])(
    '%s leads to a page whose address it is',
    (fragment) => expect(addressOf(routeOf(fragment))).toBe(fragment),
  );

  it.each(['', '#', '#nothing', '#/jobs/', '#/jobs/%E0%A4%A'])('%j leads to all jobs', (fragment) => {
    expect(addressOf(routeOf(fragment))).toBe('#/jobs');
  });
});

describe('the filter', () => {
  const jobs = [
    job({ jobId: 'one' }),
    job({ jobId: 'two', status: 'completed', ended: true, file: 'labels.jsonl' }),
    job({ jobId: 'three', status: 'unapproved' }),
    job({ jobId: 'four', stalled: true }),
  ];
  const found = (status: string, search = '') =>
    filterJobs(jobs, { status, search }).map(({ jobId }) => jobId);

  it('shows all, open ones, those that need a person, or those of a status', () => {
    expect(found('all')).toHaveLength(4);
    expect(found('open')).toEqual(['one', 'three', 'four']);
    expect(found('attention')).toEqual(['three', 'four']);
    expect(found('completed')).toEqual(['two']);
  });

  it('finds each word in the file or the id, in any case', () => {
    expect(found('all', 'REVIEWS four')).toEqual(['four']);
    expect(found('all', 'labels two')).toEqual(['two']);
    expect(found('all', 'labels one')).toEqual([]);
  });

  it('offers only statuses that a job has, with their counts', () => {
    expect(filterChoices(jobs)).toEqual([
      { value: 'all', count: 4 },
      { value: 'open', count: 3 },
      { value: 'attention', count: 2 },
      { value: 'submitted', count: 2 },
      { value: 'completed', count: 1 },
      { value: 'unapproved', count: 1 },
    ]);
    expect(filterChoices([]).map(({ value }) => value)).toEqual(['all', 'open']);
  });
});

describe('a long table', () => {
  const view = { rowHeight: 50, top: 5_000, height: 500 };

  it('has only the rows in sight, and a few beyond each edge', () => {
    expect(visibleRows(10_000, view)).toEqual({ first: 92, end: 118 });
    expect(visibleRows(10_000, { ...view, top: 0 })).toEqual({ first: 0, end: 18 });
    expect(visibleRows(5, view)).toEqual({ first: 4, end: 5 }); // the search left few
    expect(visibleRows(0, view)).toEqual({ first: 0, end: 0 });
  });

  it('moves no further than it must to show a row', () => {
    expect(topToShow(105, view)).toBe(5_000);
    expect(topToShow(99, view)).toBe(4_950);
    expect(topToShow(110, view)).toBe(5_050);
    expect(topToShow(0, view)).toBe(0);
  });

  it('is read with keys, and stays within its ends', () => {
    const ledTo = (key: string, index: number) => rowAfterKey(key, { index, count: 100, page: 9 });
    expect(
      ['ArrowDown', 'ArrowUp', 'PageDown', 'PageUp', 'Home', 'End'].map((key) => ledTo(key, 50)),
    ).toEqual([51, 49, 59, 41, 0, 99]);
    expect([ledTo('ArrowUp', 0), ledTo('PageDown', 95), ledTo('ArrowDown', -1)]).toEqual([0, 99, 0]);
    expect([ledTo('a', 5), ledTo('toString', 5)]).toEqual([undefined, undefined]);
  });
});

describe('the stream of events', () => {
  async function read(...pieces: Uint8Array[]) {
    const events = [];
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const piece of pieces) controller.enqueue(piece);
        controller.close();
      },
    });
    for await (const event of readEvents(body)) events.push(event);
    return events;
  }
  const text =
    ': alive\n\nevent: jobs\ndata: {"file":\ndata: "é"}\n\nevent: reads\r\ndata: 1\r\n\r\ndata: cut';

  it('is the same however its bytes arrive, and leaves out what is not whole', async () => {
    const bytes = new TextEncoder().encode(text);
    const whole = [
      { event: 'jobs', data: '{"file":\n"é"}' },
      { event: 'reads', data: '1' },
    ];
    expect(await read(bytes)).toEqual(whole);
    expect(await read(...Array.from(bytes, (_, at) => bytes.slice(at, at + 1)))).toEqual(whole);
  });
});

describe('spending', () => {
  const spent = (day: string, model: string, amount: number | null, tokens = 10) => ({
    ...{ day, model, tokens, cost: { currency: 'USD', amount } },
  });

  it('is stacked by day, the most expensive model at the bottom, with days on which nothing was spent', () => {
    const stack = stackSpending(
      [spent('2026-11-27', 'small', 1), spent('2026-11-29', 'large', 5), spent('2026-11-29', 'small', 2)],
      'cost',
    );
    expect(stack.days.slice(-3)).toEqual(['2026-11-27', '2026-11-28', '2026-11-29']);
    expect(stack.days).toHaveLength(14);
    expect(stack.models.map(({ name, values }) => [name, values.slice(-3)])).toEqual([
      ['large', [0, 0, 5]],
      ['small', [1, 0, 2]],
    ]);
    expect(edges(stack).map((edge) => edge.slice(-3))).toEqual([
      [0, 0, 5],
      [1, 0, 7],
    ]);
  });

  it('has six colours: the seventh model and all others are one', () => {
    const many = Array.from({ length: 9 }, (_, at) => spent('2026-11-29', `model-${at}`, 9 - at));
    const { models } = stackSpending(many, 'cost');
    expect(models.map(({ name }) => name).slice(-2)).toEqual(['model-4', 'other models']);
    expect(models.at(-1)?.values.at(-1)).toBe(4 + 3 + 2 + 1);
  });

  it('of tokens counts models whose price is unknown', () => {
    const { models } = stackSpending([spent('2026-11-29', 'mine', null, 7)], 'tokens');
    expect(models[0]?.values.at(-1)).toBe(7);
    expect(stackSpending([], 'cost')).toEqual({ days: [], models: [] });
  });
});

describe('words', () => {
  it('for money, in as many decimals as it needs', () => {
    const usd = (amount: number | null) => moneyText({ currency: 'USD', amount });
    expect([usd(12.341), usd(0), usd(0.0026), usd(0.00000123), usd(null)]).toEqual([
      ...['$12.34', '$0.00', '$0.0026', '$0.0000012', 'unknown'],
    ]);
    expect(rangeText({ currency: 'EUR', low: 0.5, likely: 1, high: null })).toBe('€0.50 or more');
  });

  it('for shares: what is not done is never shown as done, nor what has begun as not begun', () => {
    expect([0, 0.001, 0.5, 0.999, 1].map(percent)).toEqual(['0 %', '<1 %', '50 %', '99 %', '100 %']);
  });

  it('for sizes and spans of time', () => {
    expect([1, 999, 1_000, 5.2e9].map(bytesText)).toEqual(['1 byte', '999 bytes', '1.0 kB', '5.2 GB']);
    expect([0, 59_000, 61_000, 7_200_000, 2 * 86_400_000].map(roughSpan)).toEqual([
      ...['0 s', '59 s', '1 min', '2 h', '2 d'],
    ]);
    expect([61_000, 3_600_000, 90_000_000].map(span)).toEqual(['1 min 1 s', '1 h', '1 d 1 h']);
  });

  it('for statuses and reasons of a later version', () => {
    expect([titled('in_progress'), lookOf('reviewing').shape, waitText('new_limit')]).toEqual([
      ...['In progress', 'ring', 'for new limit'],
    ]);
  });

  it('for a screen reader', () => {
    const rows = { total: 3, succeeded: 2, failed: 1, expired: 0, cancelled: 0, missing: 0 };
    expect(standing(job({ status: 'completed', rows }))).toBe(
      'team/reviews.jsonl: completed, 1 row did not succeed',
    );
    expect(standing(job({ stalled: true }))).toBe('team/reviews.jsonl is stalled and needs you');
    expect(standing(job({ file: 'a\u202Elnosj' }))).toBe('a\\u202elnosj: submitted');
  });

  it('for the typical and the slow', () => {
    const values = Array.from({ length: 100 }, (_, at) => 100 - at);
    expect([
      percentile(values, 0.5),
      percentile(values, 0.95),
      percentile([7], 0.95),
      percentile([], 0.5),
    ]).toEqual([...[50, 95, 7, undefined]]);
  });
});
